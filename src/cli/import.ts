/** `kube import`: an image from a root file system. */
import { resolve } from 'node:path'
import { parseChanges } from '../host/images/changes.ts'
import type { Context } from './context.ts'

export interface ImportCommandOptions {
  readonly change?: readonly string[]
  readonly output?: string
}

export async function runImport(
  [file, name]: [string, string],
  options: ImportCommandOptions,
  context: Context,
): Promise<number> {
  const { io } = context
  const config = parseChanges(options.change ?? [])
  const { store } = await context.host()
  const image = await store.importRootfs(file === '-' ? file : resolve(io.cwd, file), name, config, {
    signal: context.signal,
  })
  io.out(options.output === 'json' ? `${JSON.stringify(image, null, 2)}\n` : `${image.id}\n`)
  return 0
}
