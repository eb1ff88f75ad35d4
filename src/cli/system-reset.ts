/** `kube system reset`: everything of this state root gone. */
import { readdirSync, rmdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { causeChain, errnoOf, KubeError } from '../diagnostic.ts'
import { removePods } from '../engine/down.ts'
import { findLeftovers, removeLeftovers } from '../host/leftovers.ts'
import type { Context } from './context.ts'

export interface ResetOptions {
  readonly force?: boolean
}

/**
 * What is ours in the two directories. A directory that was given by mistake may hold anything, so nothing else is
 * touched, and the directories themselves go only when nothing else is in them.
 */
const IN_ROOT = ['state.db', 'state.db-wal', 'state.db-shm', 'pods', 'images', 'infra', 'volumes', 'seccomp', 'keys']
const IN_RUNROOT = ['lock', 'firewall', 'crun', 'exits', 'pods', 'c', 'bin', 'dns', 'supervisor']

export async function runSystemReset(_args: [], options: ResetOptions, context: Context): Promise<number> {
  const { io } = context
  const host = await context.host()
  const { root, runroot } = host.layout
  const pods = host.state.pods()
  if (!options.force) {
    throw new KubeError('Usage', `this removes ${pods.length} pods, all images and volumes of ${root}`, {
      exitStatus: 2,
      hint: 'add --force to do it',
    })
  }
  const failures: string[] = []
  const attempt = (step: () => Promise<void>) => step().catch((error: unknown) => void failures.push(causeChain(error)))
  await attempt(() => removePods(pods, { host, graceSeconds: 0 }))
  await attempt(() => removeLeftovers(host, findLeftovers(host)))
  await attempt(() => host.network.remove())
  await attempt(() => host.runtime.release())
  if (failures.length > 0) {
    throw new KubeError('ResetFailed', 'not everything could be removed', {
      notes: failures,
      hint: 'the same command tries again',
    })
  }
  host.close()
  for (const name of IN_RUNROOT) await rm(join(runroot, name), { recursive: true, force: true })
  for (const name of IN_ROOT) await rm(join(root, name), { recursive: true, force: true })
  for (const directory of [runroot, root]) removeEmpty(directory, context)
  io.out(`removed ${pods.length} pods, and all images, volumes and records of ${root}\n`)
  return 0
}

function removeEmpty(directory: string, { io }: Context): void {
  try {
    rmdirSync(directory)
  } catch (error) {
    if (errnoOf(error) === 'ENOTEMPTY') io.err(`left in ${directory}: ${readdirSync(directory).join(', ')}\n`)
  }
}
