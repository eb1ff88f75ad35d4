/**
 * What killed commands left behind that no record tells of. Everything made for a pod is named after its uid, and is
 * made after its record and removed before it: what is there without a record belongs to nobody.
 */
import { readdirSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Host } from '../engine/ports.ts'
import { type Layout, vethName } from './layout.ts'
import { linksOf, removeLinks } from './network/delete-link.ts'
import { killCgroup, podCgroups } from './runtime/pod-cgroups.ts'
import { removeTreeNow } from './sys/remove-tree.ts'

export interface Leftovers {
  /** uids of pods that have directories, or mounts. */
  readonly directories: readonly string[]
  /** ids that the OCI runtime knows. */
  readonly containers: readonly string[]
  readonly bundles: readonly string[]
  readonly exitFiles: readonly string[]
  readonly links: readonly string[]
  /** Paths below the hierarchies' root. */
  readonly cgroups: readonly string[]
}

export type LeftoverHost = Host & { readonly layout: Layout }

export function findLeftovers(host: LeftoverHost): Leftovers {
  const { layout } = host
  const parent = dirname(host.cgroupPath('any'))
  // First what is there, then the records: what was made in between is known.
  const there = {
    directories: [
      ...new Set([...names(layout.podsDir), ...names(layout.sandboxesDir), ...names(layout.namespacesDir)]),
    ],
    containers: names(layout.runtimeRoot),
    bundles: names(layout.bundlesDir),
    exitFiles: names(layout.exitsDir),
    links: linksOf(bridgeOf(parent)),
    cgroups: podCgroups(parent),
  }
  const pods = host.state.pods()
  const uids = new Set(pods.map(({ uid }) => uid))
  const ids = new Set(
    pods.flatMap(({ uid, plan, containers }) => [
      host.infraId(uid),
      ...Object.values(containers).map(({ id }) => id),
      // And the run that is just being made: its record comes after it.
      ...plan.members.flatMap(({ name }) => {
        const attempt = containers[name]?.attempt ?? 0
        return [host.containerId(uid, name, attempt), host.containerId(uid, name, attempt + 1)]
      }),
    ]),
  )
  const bundles = new Set([...ids].map(id => layout.bundleDir(id).split('/').at(-1)))
  const links = new Set([...uids].map(vethName))
  const cgroups = new Set([...uids].map(uid => host.cgroupPath(uid)))
  return {
    directories: there.directories.filter(uid => !uids.has(uid)),
    containers: there.containers.filter(id => !ids.has(id)),
    bundles: there.bundles.filter(name => !bundles.has(name)),
    exitFiles: there.exitFiles.filter(name => !ids.has(name.split('.')[0] ?? '')),
    links: there.links.filter(name => !links.has(name)),
    cgroups: there.cgroups.filter(path => !cgroups.has(path)),
  }
}

/** The usual state root's bridge is `kube0`, any other's is named as its cgroup. */
function bridgeOf(cgroupParent: string): string {
  const name = cgroupParent.slice(1)
  return name === 'kube' ? 'kube0' : name
}

/** Ends the processes first, then takes away what they used. */
export async function removeLeftovers(host: LeftoverHost, leftovers: Leftovers): Promise<void> {
  const { layout } = host
  await Promise.all(leftovers.containers.map(id => host.runtime.remove(id)))
  for (const path of leftovers.cgroups) await killCgroup(path)
  for (const name of leftovers.bundles) removeTreeNow(`${layout.bundlesDir}/${name}`)
  await removeLinks(leftovers.links)
  for (const uid of leftovers.directories) await host.volumes.removeSandbox(uid)
  // Last: the monitors of the containers that were ended write theirs now.
  for (const name of [...leftovers.exitFiles, ...leftovers.containers])
    rmSync(`${layout.exitsDir}/${name}`, { force: true })
}

function names(directory: string): readonly string[] {
  return statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(directory) : []
}
