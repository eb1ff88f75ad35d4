/** `kube image prune`: images that nobody can name, or with --all nobody uses, and what killed commands left. */
import type { Context } from './context.ts'
import { imageUse } from './image-use.ts'
import { bytes } from './image-words.ts'

export async function runImagePrune(
  _args: [],
  options: { readonly all?: boolean; readonly output?: string },
  context: Context,
): Promise<number> {
  const { io } = context
  const host = await context.host()
  const inUse = imageUse(host)
  const deleted: string[] = []
  let freedBytes = 0
  for (const image of host.store.list()) {
    if (inUse(image.id) || (image.references.length > 0 && !options.all)) continue
    deleted.push(...(await host.store.remove(image.id, { force: true, inUse })).deleted)
    freedBytes += image.sizeBytes
  }
  freedBytes += (await host.store.prune()).freedBytes
  if (options.output === 'json') io.out(`${JSON.stringify({ deleted, freedBytes }, null, 2)}\n`)
  else {
    for (const id of deleted) io.out(`Deleted: ${id}\n`)
    io.out(`Freed: ${bytes(freedBytes)}\n`)
  }
  return 0
}
