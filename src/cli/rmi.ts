/** `kube rmi`: takes images out of the store. */
import { KubeError } from '../diagnostic.ts'
import type { Context } from './context.ts'
import { imageUse } from './image-use.ts'
import { renderError } from './render.ts'

export interface RmiCommandOptions {
  readonly force?: boolean
  readonly all?: boolean
  readonly ignore?: boolean
  readonly output?: string
}

export async function runRmi(
  [names]: [readonly string[]],
  options: RmiCommandOptions,
  context: Context,
): Promise<number> {
  const { io } = context
  const host = await context.host()
  if (names.length === 0 && !options.all)
    throw new KubeError('Usage', 'rmi: name an image, or give --all', { exitStatus: 2 })
  const untagged: string[] = []
  const deleted: string[] = []
  let hasFailed = false
  const wanted = options.all ? host.store.list().map(image => image.id) : names
  for (const name of wanted) {
    try {
      if (!host.store.find(name) && !options.ignore && !options.force)
        throw new KubeError('ImageNotFound', `image ${name}: not in the store`)
      const inUse = imageUse(host)
      if (options.all && !options.force && inUse(name)) continue
      const removed = await host.store.remove(name, { force: options.force === true || options.all === true, inUse })
      untagged.push(...removed.untagged)
      deleted.push(...removed.deleted)
    } catch (error) {
      // The others can still be removed.
      io.err(renderError(io, error))
      hasFailed = true
    }
  }
  if (options.output === 'json') io.out(`${JSON.stringify({ untagged, deleted }, null, 2)}\n`)
  else {
    for (const name of untagged) io.out(`Untagged: ${name}\n`)
    for (const id of deleted) io.out(`Deleted: ${id}\n`)
  }
  return hasFailed ? 1 : 0
}
