/** `kube version`: what `--version` prints, under the name that kubectl and podman give it. */
import type { Context } from './context.ts'
import { VERSION } from './version.ts'

export interface VersionOptions {
  readonly output?: string
}

export async function runVersion(_args: readonly [], { output }: VersionOptions, { io }: Context): Promise<undefined> {
  io.out(output === 'json' ? `${JSON.stringify({ version: VERSION }, null, 2)}\n` : `kube ${VERSION}\n`)
  return undefined
}
