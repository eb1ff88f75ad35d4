/** `kube tag`: more names for an image. */
import type { Context } from './context.ts'

export async function runTag(
  [image, names]: [string, readonly string[]],
  options: { readonly output?: string },
  context: Context,
): Promise<number> {
  const { store } = await context.host()
  // By ID from here on: the first new name may take the old one's place.
  const id = store.find(image)?.id ?? image
  let tagged: unknown
  for (const name of names) tagged = store.tag(id, name)
  if (options.output === 'json') context.io.out(`${JSON.stringify(tagged, null, 2)}\n`)
  return 0
}
