/** `kube system reset`: everything of this state root gone. */
import { readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { causeChain, errnoOf, KubeError } from '../diagnostic.ts'
import { removePods } from '../engine/down.ts'
import { findLeftovers, removeLeftovers } from '../host/leftovers.ts'
import { ownNames } from '../host/own-names.ts'
import { removeTree } from '../host/sys/remove-tree.ts'
import { damageOf } from '../host/sys/shared-database.ts'
import type { Context, HostRequest } from './context.ts'
import { openHost, type RealHost } from './host.ts'

export interface ResetOptions {
  readonly force?: boolean
}

/** Without the records where they cannot be read: everything is found by its names as well. */
async function openWhatCanBeOpened(context: Context, options: HostRequest): Promise<RealHost> {
  try {
    const host = await context.host(options)
    if (damageOf(host.layout.database) === undefined) return host
  } catch (error) {
    if (!(error instanceof KubeError) || !['StateCorrupt', 'StateTooNew'].includes(error.code)) throw error
  }
  return openHost({ ...context.globals, withoutRecords: true })
}

export async function runSystemReset(_args: [], options: ResetOptions, context: Context): Promise<number> {
  const { io } = context
  const alone = (pids: readonly number[]) =>
    io.err(`waiting for other programs that work on this root (pid ${pids.join(', ')})\n`)
  const host = await openWhatCanBeOpened(context, options.force ? { alone } : {})
  const { root, runroot } = host.layout
  const pods = host.state.pods()
  const podCount = new Set([...pods.map(({ uid }) => uid), ...findLeftovers(host).directories]).size
  if (!options.force) {
    throw new KubeError('Usage', `this removes ${podCount} pods, all images and volumes of ${root}`, {
      exitStatus: 2,
      hint: 'add --force to do it',
    })
  }
  const failures: string[] = []
  const attempt = (step: () => Promise<void>) =>
    step().catch((error: unknown) => {
      failures.push(causeChain(error), ...(error instanceof KubeError ? error.notes : []))
    })
  // The ends of containers wake nobody any more. A supervisor that was at work has been asked to stop by now.
  await removeTree(host.layout.exitScript)
  for (const { name } of host.state.apps()) host.state.putObjects(name, [])
  await attempt(() => removePods(pods, { host, graceSeconds: 0 }))
  await attempt(() => removeLeftovers(host, findLeftovers(host)))
  await attempt(() => host.network.remove())
  await attempt(() => host.runtime.release())
  await attempt(async () => host.volumes.release())
  if (failures.length > 0) {
    throw new KubeError('ResetFailed', 'not everything could be removed', {
      notes: failures,
      hint: 'the same command tries again',
    })
  }
  host.close()
  // The locks last: whoever comes after that has the directories to itself.
  const locks = [host.layout.resetPid, host.layout.resetLock]
  for (const directory of [root, runroot]) {
    const paths = ownNames(host.layout, directory).map(name => join(directory, name))
    for (const path of paths) if (!locks.includes(path)) await removeTree(path)
    if (directory === runroot) for (const lock of locks) await removeTree(lock)
    removeEmpty(directory, context)
  }
  io.out(`removed ${podCount} pods, and all images, volumes and records of ${root}\n`)
  return 0
}

function removeEmpty(directory: string, { io }: Context): void {
  try {
    rmdirSync(directory)
  } catch (error) {
    if (errnoOf(error) === 'ENOTEMPTY') io.err(`left in ${directory}: ${readdirSync(directory).join(', ')}\n`)
  }
}
