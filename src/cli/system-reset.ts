/** `kube system reset`: everything of this state root gone. */
import { readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { causeChain, errnoOf, KubeError } from '../diagnostic.ts'
import { removePods } from '../engine/down.ts'
import type { Layout } from '../host/layout.ts'
import { findLeftovers, removeLeftovers } from '../host/leftovers.ts'
import { removeTree } from '../host/sys/remove-tree.ts'
import type { Context } from './context.ts'
import { killSupervisor } from './wake-supervisor.ts'

export interface ResetOptions {
  readonly force?: boolean
}

/** Beside what the layout names: the images' directory, and SQLite's files beside the database. */
const MORE = ['images', 'state.db-wal', 'state.db-shm']

/**
 * Names of what is ours in a directory. One that was given by mistake may hold anything, so nothing else is touched, and
 * the directory itself goes only when nothing else is in it.
 */
function ownNames(layout: Layout, directory: string): readonly string[] {
  const paths = Object.values(layout).map(path => (typeof path === 'string' ? path : path('any', 'any', 0)))
  const own = paths.filter(path => path.startsWith(`${directory}/`))
  return [...new Set([...own.map(path => path.slice(directory.length + 1).split('/')[0]!), ...MORE])]
}

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
  const attempt = (step: () => Promise<void>) =>
    step().catch((error: unknown) => {
      failures.push(causeChain(error), ...(error instanceof KubeError ? error.notes : []))
    })
  // The ends of containers wake nobody any more, and nobody makes pods anew.
  await removeTree(host.layout.exitScript)
  // It has nothing to finish that is not undone here. Its lock is kept until everything is gone, so that none works meanwhile.
  using _supervisor = await killSupervisor(host.layout)
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
  for (const directory of [runroot, root]) {
    for (const name of ownNames(host.layout, directory)) await removeTree(join(directory, name))
    removeEmpty(directory, context)
  }
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
