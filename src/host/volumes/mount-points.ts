/** Mounts of the machine: what is mounted below a directory, how it propagates, and how to take it away. */
import { readFileSync } from 'node:fs'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import { MNT_DETACH, unmount } from '../sys/libc.ts'

export interface MountPoint {
  readonly path: string
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
      return {
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

function below(directory: string): readonly MountPoint[] {
  return mountPoints().filter(point => point.path.startsWith(`${directory}/`))
}

/** Unmounts everything at a path; a busy one goes from sight now and for good when its last user ends. */
export function unmountAll(path: string): void {
  // Flags for the next attempt: what was busy may be gone by then, which is as good.
  for (let flags = 0; ; ) {
    try {
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
