/**
 * `fsGroup`: a volume whose files belong to the pod's group. Source: k8s.io/kubernetes/pkg/volume/volume_linux.go.
 * Another pod may be writing to a claim meanwhile, so that the walk goes from one open directory to the next and what was
 * looked at is what is changed, whatever its path leads to by then.
 */
import { chmodSync, chownSync, closeSync, constants, fstatSync, lchownSync, openSync, readdirSync } from 'node:fs'
import { errnoOf } from '../../diagnostic.ts'

/** What the group may do with a file, and with a directory besides. */
const FILE_MODE = 0o660
const DIRECTORY_MODE = 0o2110

/** Refers to a file, even a link, without opening it. Source: open(2). */
const O_PATH = 0o10000000

/**
 * Gives the group everything in a volume, links themselves included. With `OnRootMismatch` a volume whose root has the
 * group and its rights already is left as it is.
 */
export function giveToGroup(volume: string, gid: number, policy: 'Always' | 'OnRootMismatch' = 'Always'): void {
  const root = openSync(volume, O_PATH)
  try {
    const stats = fstatSync(root)
    const mode = FILE_MODE | DIRECTORY_MODE
    if (policy === 'OnRootMismatch' && stats.gid === gid && (stats.mode & mode) === mode) return
    // The root last: by it an interrupted change is told from a finished one.
    giveBelow(root, gid)
    give(root, gid)
  } finally {
    closeSync(root)
  }
}

function giveBelow(directory: number, gid: number): void {
  for (const name of readdirSync(`/proc/self/fd/${directory}`)) {
    const path = `/proc/self/fd/${directory}/${name}`
    let entry: number | undefined
    try {
      entry = openSync(path, O_PATH | constants.O_NOFOLLOW)
      const stats = fstatSync(entry)
      if (stats.isSymbolicLink()) lchownSync(path, stats.uid, gid)
      else {
        if (stats.isDirectory()) giveBelow(entry, gid)
        give(entry, gid)
      }
    } catch (error) {
      // Removed meanwhile.
      if (errnoOf(error) !== 'ENOENT') throw error
    } finally {
      if (entry !== undefined) closeSync(entry)
    }
  }
}

function give(fd: number, gid: number): void {
  const path = `/proc/self/fd/${fd}`
  const stats = fstatSync(fd)
  if (stats.gid !== gid) chownSync(path, stats.uid, gid)
  const mode = (stats.mode | FILE_MODE | (stats.isDirectory() ? DIRECTORY_MODE : 0)) & 0o7777
  // Also after a change of owner, which takes the set-group-id bit away.
  if (mode !== (stats.mode & 0o7777) || stats.gid !== gid) chmodSync(path, mode)
}
