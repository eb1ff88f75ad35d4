/** Names that Kubernetes' controllers make up, here without chance: the same manifest gives the same names. */
import { hashOf } from './canonical.ts'

/** No vowels and no look-alikes, so that no name is a word. Source: k8s.io/apimachinery/pkg/util/rand. */
const SAFE_LETTERS = 'bcdfghjklmnpqrstvwxz2456789'

/** Longest base that a suffix of five letters still fits behind. Source: k8s.io/apiserver/pkg/storage/names. */
const LONGEST_BASE = 58

/** `length` letters of the safe alphabet, chosen by the data. */
export function safeSuffix(value: unknown, length: number): string {
  const hash = hashOf(value)
  let suffix = ''
  for (let i = 0; i < length; i++) {
    const byte = Number.parseInt(hash.slice(i * 4, i * 4 + 4), 16)
    suffix += SAFE_LETTERS[byte % SAFE_LETTERS.length]
  }
  return suffix
}

/** What the `pod-template-hash` label says: up to ten letters of a 32 bit hash, as the Deployment controller writes it. */
export function templateHash(template: unknown): string {
  const decimal = String(Number.parseInt(hashOf(template).slice(0, 8), 16))
  return Array.from(decimal, digit => SAFE_LETTERS[digit.charCodeAt(0) % SAFE_LETTERS.length]).join('')
}

/** `base` and five letters that `seed` decides, avoiding the names in `taken`; the base is cut to fit 63 characters. */
export function generatedName(base: string, seed: unknown, taken: ReadonlySet<string>): string {
  for (let attempt = 0; ; attempt++) {
    const name = `${base.slice(0, LONGEST_BASE)}${safeSuffix([seed, attempt], 5)}`
    if (!taken.has(name)) return name
  }
}

/** A UUID that the data decides (version 8: free form), for objects that must keep theirs between runs. */
export function uuidOf(value: unknown): string {
  const hash = hashOf(value)
  const variant = ((Number.parseInt(hash[16] ?? '0', 16) & 0x3) | 0x8).toString(16)
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-${variant}${hash.slice(17, 20)}-${hash.slice(20, 32)}`
}
