/** What a key of a ConfigMap or Secret holds, so that a plan stays JSON: text as it is, bytes in base64. */
export type KeyContent = { readonly text: string } | { readonly base64: string }

/** By key. */
export type KeyContents = Readonly<Record<string, KeyContent>>

/** Bytes that are not UTF-8 become U+FFFD, as in a variable of the kubelet's. */
export function contentText(content: KeyContent): string {
  return 'text' in content ? content.text : Buffer.from(content.base64, 'base64').toString()
}

/** Text stays text: whoever writes it knows the fastest way. */
export function contentData(content: KeyContent): string | Uint8Array {
  return 'text' in content ? content.text : Buffer.from(content.base64, 'base64')
}

/** In bytes. */
export function contentLength(content: KeyContent): number {
  return 'text' in content ? Buffer.byteLength(content.text) : Buffer.byteLength(content.base64, 'base64')
}
