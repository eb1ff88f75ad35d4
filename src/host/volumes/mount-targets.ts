/** Places for mounts in a root file system. */
import { existsSync, lstatSync, mkdirSync } from 'node:fs'
import type { MemberPlan, PodPlan, VolumePlan } from '../../plan/types.ts'
import type { LowerDirs } from './overlay.ts'

/** What the OCI runtime mounts itself, with all that is below it. */
const KERNEL = new Set(['dev', 'proc', 'sys'])

/**
 * The layers of an image with one more below them, `directory`, that has the directories which volumes are mounted at, as far as
 * the image has nothing at their top. The OCI runtime makes whatever is missing, but on the disk, while the container
 * waits: on a busy one a hundred of them take longer than all else that it does. `directory` is in memory.
 */
export function withMountTargets(lower: LowerDirs, directory: string, pod: PodPlan, member: MemberPlan): LowerDirs {
  // SELinux would want a label for them, and mount(2) a path without its separators.
  if (/[:,\\]/.test(directory) || existsSync('/sys/fs/selinux/enforce')) return lower
  const whole = new Set(pod.volumes.filter(isDirectory).map(({ name }) => name))
  const absent = new Map<string, boolean>()
  const targets = member.mounts.flatMap(({ volume, destination, subPath, subPathExpr }) => {
    if (!whole.has(volume) || subPath !== undefined || subPathExpr !== undefined) return []
    const names = destination.split('/').filter(name => name !== '' && name !== '.')
    const [top] = names
    if (top === undefined || KERNEL.has(top) || names.includes('..')) return []
    if (!absent.has(top)) absent.set(top, isAbsent(lower, top))
    return absent.get(top) ? [`${directory}/${names.join('/')}`] : []
  })
  if (targets.length === 0) return lower
  for (const target of targets) mkdirSync(target, { recursive: true, mode: 0o755 })
  return { ...lower, names: [...lower.names, directory] }
}

/** A path of the machine may be a file, and so may what a PersistentVolume names. */
function isDirectory(volume: VolumePlan): boolean {
  return volume.kind === 'claim' ? volume.path === undefined : volume.kind !== 'hostPath'
}

/** In no layer: there it could be a link, and a directory would be seen with that layer's owner and mode. */
function isAbsent({ layersDir, names }: LowerDirs, top: string): boolean {
  return names.every(name => lstatSync(`${layersDir}/${name}/${top}`, { throwIfNoEntry: false }) === undefined)
}
