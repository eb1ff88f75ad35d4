/** `kube load`: images from an archive or a layout directory. */
import { resolve } from 'node:path'
import { KubeError } from '../diagnostic.ts'
import type { Context } from './context.ts'

export interface LoadCommandOptions {
  readonly input?: string
  readonly output?: string
  readonly quiet?: boolean
}

export async function runLoad(
  [file]: [string | undefined],
  options: LoadCommandOptions,
  context: Context,
): Promise<number> {
  const { io } = context
  const path = options.input ?? file ?? '-'
  if (path === '-' && io.inIsTerminal) {
    throw new KubeError('Usage', 'load: no file is given and standard input is a terminal', {
      exitStatus: 2,
      hint: 'kube load -i FILE',
    })
  }
  const { store } = await context.host()
  const images = await store.load(path === '-' ? path : resolve(io.cwd, path), { signal: context.signal })
  if (options.output === 'json') {
    io.out(`${JSON.stringify(images, null, 2)}\n`)
    return 0
  }
  for (const image of images) {
    const names = image.references.length === 0 ? [image.id] : image.references
    for (const name of names) io.out(`Loaded image: ${name}\n`)
  }
  return 0
}
