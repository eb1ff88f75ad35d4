/**
 * The part of a volume that a mount's `subPath` names. Containers write the volume while this looks at it, so that every
 * step is taken from an open directory and none may leave the volume: CVE-2017-1002101, CVE-2021-25741.
 */
import { chmodSync, closeSync, constants, fstatSync, mkdirSync, openSync, readlinkSync, readSync } from 'node:fs'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import { openBeneath } from '../sys/libc.ts'

/** Refers to a file without opening it. Source: open(2). */
const O_PATH = 0o10000000
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants

/**
 * A file descriptor that stands for it, to be closed by the caller. Directories that are missing are made with the
 * volume's own mode, as the kubelet does. Fails with `SubPathEscapes` and `SubPathFailed`.
 */
export function openSubPath(volume: string, subPath: string): number {
  const root = openSync(volume, O_PATH)
  try {
    return openOrMake(root, subPath)
  } catch (error) {
    throw subPathError(subPath, error)
  } finally {
    closeSync(root)
  }
}

/** The same as a path without links, of a volume that no container writes. */
export function findSubPath(volume: string, subPath: string): string {
  const found = openSubPath(volume, subPath)
  try {
    return readlinkSync(`/proc/self/fd/${found}`)
  } finally {
    closeSync(found)
  }
}

/** What is made in such a directory belongs to its group. Source: inode(7). */
const SET_GROUP_ID = 0o2000

function openOrMake(root: number, subPath: string): number {
  const there = openPresent(root, subPath)
  if (there !== undefined) return there
  const mode = fstatSync(root).mode & (0o777 | SET_GROUP_ID)
  const steps = subPath.split('/').filter(step => step !== '' && step !== '.')
  let at = openBeneath(root, '.', O_PATH)
  for (const [index, step] of steps.entries()) {
    const parent = at
    try {
      // From the root again, because a link on the way may lead anywhere in the volume.
      at = openPresent(root, steps.slice(0, index + 1).join('/')) ?? makeDirectory(parent, step, mode)
    } finally {
      closeSync(parent)
    }
  }
  return at
}

function openPresent(root: number, path: string): number | undefined {
  try {
    return openBeneath(root, path, O_PATH)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** A container may be faster. Whatever it made in this place, a link is not followed. */
function makeDirectory(parent: number, name: string, mode: number): number {
  let isOurs = true
  try {
    mkdirSync(`/proc/self/fd/${parent}/${name}`, { mode })
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
    isOurs = false
  }
  const made = openBeneath(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW)
  // Whatever the umask of this process is.
  if (isOurs) chmodSync(`/proc/self/fd/${made}`, mode)
  return made
}

function subPathError(subPath: string, error: unknown): KubeError {
  const code = errnoOf(error)
  if (code === 'EXDEV' || code === 'ELOOP') {
    return new KubeError('SubPathEscapes', `subPath ${JSON.stringify(subPath)} leads out of the volume`, {
      cause: error,
    })
  }
  return new KubeError('SubPathFailed', `failed to prepare subPath ${JSON.stringify(subPath)}`, { cause: error })
}

/** Most bytes of a file that is read from a volume. Source: k8s.io/kubernetes/pkg/kubelet/kubelet_pods.go. */
const TEXT_LIMIT = 64 * 1024

/** The text of a file of a volume, found as carefully; undefined when there is none. */
export function readBeneath(volume: string, path: string): string | undefined {
  const root = openSync(volume, O_PATH)
  let file: number | undefined
  try {
    file = openBeneath(root, path, O_RDONLY | O_NONBLOCK)
    if (!fstatSync(file).isFile()) return undefined
    const buffer = Buffer.alloc(TEXT_LIMIT)
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, 0))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw subPathError(path, error)
  } finally {
    if (file !== undefined) closeSync(file)
    closeSync(root)
  }
}
