/** Places for mounts in a root file system. */
import { closeSync, existsSync, lstatSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import type { MemberPlan, MountPlan, PodPlan, VolumePlan } from '../../plan/types.ts'
import type { LowerDirs } from './overlay.ts'

/** What the OCI runtime mounts itself, with all that is below it. */
const KERNEL = new Set(['dev', 'proc', 'sys'])

/**
 * The layers of an image with one more below them, `directory`, that has the places which volumes are mounted at, as far as
 * the image has nothing at their top. The OCI runtime makes whatever is missing, but on the disk, while the container
 * waits: on a busy one a hundred of them take longer than all else that it does. `directory` is in memory.
 */
export function withMountTargets(lower: LowerDirs, directory: string, pod: PodPlan, member: MemberPlan): LowerDirs {
  // SELinux would want a label for them, and mount(2) a path without its separators.
  if (/[:,\\]/.test(directory) || existsSync('/sys/fs/selinux/enforce')) return lower
  const volumes = new Map(pod.volumes.map(volume => [volume.name, volume]))
  const absent = new Map<string, boolean>()
  const made = new Set<string>()
  for (const mount of member.mounts) {
    const kind = kindOf(volumes.get(mount.volume), mount)
    const names = mount.destination.split('/').filter(name => name !== '' && name !== '.')
    const [top] = names
    if (kind === undefined || top === undefined || KERNEL.has(top) || names.includes('..')) continue
    if (!absent.has(top)) absent.set(top, isAbsent(lower, top))
    if (!absent.get(top)) continue
    const place = `${directory}/${names.join('/')}`
    const parent = kind === 'file' ? dirname(place) : place
    if (!made.has(parent)) mkdirSync(parent, { recursive: true, mode: 0o755 })
    made.add(parent)
    if (kind === 'file') closeSync(openSync(place, 'a', 0o644))
  }
  return made.size === 0 ? lower : { ...lower, names: [...lower.names, directory] }
}

/** Undefined where only the machine knows: of its own paths, and of what a PersistentVolume names. */
function kindOf(volume: VolumePlan | undefined, mount: MountPlan): 'directory' | 'file' | undefined {
  const { subPath } = mount
  if (volume === undefined || volume.kind === 'hostPath' || mount.subPathExpr !== undefined) return undefined
  if (volume.kind === 'claim' && volume.path !== undefined) return undefined
  if (subPath === undefined) return 'directory'
  return volume.kind === 'files' && volume.files.some(({ path }) => path === subPath) ? 'file' : undefined
}

/** In no layer: there it could be a link, and a directory would be seen with that layer's owner and mode. */
function isAbsent({ layersDir, names }: LowerDirs, top: string): boolean {
  return names.every(name => lstatSync(`${layersDir}/${name}/${top}`, { throwIfNoEntry: false }) === undefined)
}
