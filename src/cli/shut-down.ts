/** `kube shut-down`: the hidden command that systemd starts before the machine goes down. */
import { shutDown } from '../engine/shut-down.ts'
import type { Context } from './context.ts'

export async function runShutDown(_args: readonly [], _options: object, context: Context): Promise<undefined> {
  await shutDown(await context.host())
  return undefined
}
