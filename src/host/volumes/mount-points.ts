/** Mounts of the machine: what is mounted below a directory, how it propagates, and how to take it away. */
import { lstatSync, readFileSync, rmdirSync, unlinkSync } from 'node:fs'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import { MNT_DETACH, MS, mount, unmount } from '../sys/libc.ts'

export interface MountPoint {
  readonly path: string
  /** Of the file system: `overlay`, `tmpfs`. */
  readonly type: string
  readonly source: string
  /** `shared`: what is mounted below shows elsewhere too, and the other way round; `slave`: only the other way. */
  readonly propagation: 'private' | 'shared' | 'slave'
}

/** In the order in which they were mounted. Source: proc_pid_mountinfo(5). */
export function mountPoints(): readonly MountPoint[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const fields = line.split(' ')
      const optional = fields.slice(6, fields.indexOf('-'))
      const has = (tag: string) => optional.some(field => field.startsWith(`${tag}:`))
      const [type = '', source = ''] = fields.slice(fields.indexOf('-') + 1)
      return {
        type,
        source,
        path: (fields[4] ?? '').replace(/\\(\d{3})/g, (_, octal: string) =>
          String.fromCharCode(Number.parseInt(octal, 8)),
        ),
        propagation: has('shared') ? 'shared' : has('master') ? 'slave' : 'private',
      }
    })
}

/** The mount that an absolute path without links lies on. */
export function mountOf(path: string): MountPoint | undefined {
  const holders = mountPoints().filter(
    point => point.path === path || point.path === '/' || path.startsWith(`${point.path}/`),
  )
  // Of two mounts at one place the later one is seen.
  return holders
    .toReversed()
    .reduce<MountPoint | undefined>(
      (best, point) => (best === undefined || point.path.length > best.path.length ? point : best),
      undefined,
    )
}

/** Unmounts everything below a directory, so that it can be removed without touching what was mounted there. */
export function unmountBelow(directory: string): void {
  const points = below(directory)
  if (points.length === 0) return
  for (const point of points.toReversed()) unmountAll(point.path)
  const left = below(directory)[0]
  if (left) throw new KubeError('StillMounted', `${left.path} is still mounted`)
}

/** What is mounted below any of some directories. */
export function mountsBelow(directories: readonly string[]): readonly MountPoint[] {
  return mountPoints().filter(({ path }) => directories.some(directory => path.startsWith(`${directory}/`)))
}

/**
 * Takes away a directory or a file that something may be mounted on. Never what is in a directory: where that is not empty,
 * what was mounted there is there still.
 */
export function removeMountPoint(path: string): void {
  unmountAll(path)
  try {
    if (lstatSync(path).isDirectory()) rmdirSync(path)
    else unlinkSync(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}

function below(directory: string): readonly MountPoint[] {
  return mountPoints().filter(point => point.path.startsWith(`${directory}/`))
}

/**
 * Unmounts everything at a path, with what is mounted below it; a busy one goes from sight now and for good when its last
 * user ends.
 */
export function unmountAll(path: string): void {
  // Flags for the next attempt: what was busy may be gone by then, which is as good.
  for (let flags = 0; ; ) {
    try {
      keepToItself(path)
      unmount(path, flags)
      flags = 0
    } catch (error) {
      const code = errnoOf(error)
      if (code === 'EINVAL' || code === 'ENOENT') return
      if (code !== 'EBUSY' || flags === MNT_DETACH) throw error
      flags = MNT_DETACH
    }
  }
}

/** What is unmounted below a mount that others share goes there as well: from the user's own directories. */
function keepToItself(path: string): void {
  try {
    mount('none', path, null, MS.REC | MS.PRIVATE, null)
  } catch (error) {
    // Nothing is mounted there.
    if (errnoOf(error) !== 'EINVAL' && errnoOf(error) !== 'ENOENT') throw error
  }
}
