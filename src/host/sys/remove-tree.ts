/**
 * Removing whole trees, and never what is mounted in them: a hostPath that a container has in its file system is the
 * user's own. A path may lead elsewhere by the time it is used, so that every step is taken from an open directory, the
 * kernel refuses a step onto a mount, and no other program is asked. Source: openat2(2), RESOLVE_NO_XDEV.
 */
import { closeSync, constants, openSync, readdirSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import { monotonicMs } from '../../engine/monotonic.ts'
import { openUnmounted, renameAt, unlinkAt } from './libc.ts'

/** Refers to a directory without the right to read it. Source: open(2). */
const O_PATH = 0o10000000
/** Milliseconds after which the rest of this process gets a turn. */
const TURN_MS = 4
/**
 * Directories open at a time. Containers and hostile archives nest them deeper than a path can name, and than files can be
 * open: what is deeper is moved to the top of the tree.
 */
const MOST_OPEN = 64
/** How often a directory is listed into which another process writes meanwhile. */
const MOST_LISTINGS = 100

/**
 * Removes what a path leads to, with all that is below it; nothing where there is nothing. Fails with `StillMounted` where
 * something is mounted on it or below it, which stays as it is: whoever calls this unmounts first. The rest may be gone then.
 */
export async function removeTree(path: string): Promise<void> {
  let turn = monotonicMs() + TURN_MS
  for (const _ of removeByAndBy(path)) {
    if (monotonicMs() < turn) continue
    await new Promise<void>(resolve => setImmediate(resolve))
    turn = monotonicMs() + TURN_MS
  }
}

/** The same without giving others a turn, for trees of a few files. */
export function removeTreeNow(path: string): void {
  for (const _ of removeByAndBy(path));
}

/** A name in an open directory. */
interface Entry {
  readonly name: Buffer
  isDirectory: boolean
  /** How often its own entries were looked up. */
  listings: number
}

interface OpenDirectory {
  readonly fd: number
  /** The last one is removed next. */
  readonly entries: Entry[]
}

function* removeByAndBy(path: string): Generator<undefined, void> {
  const parent = openParent(path)
  if (parent === undefined) return
  const top: Entry = { name: Buffer.from(basename(path)), isDirectory: false, listings: 0 }
  const open: OpenDirectory[] = [{ fd: parent, entries: [top] }]
  let moved = 0
  try {
    for (let at = open.at(-1); at !== undefined; at = open.at(-1)) {
      const entry = at.entries.at(-1)
      if (entry === undefined) {
        // Its name, the last entry of the directory above, can go now.
        closeSync(at.fd)
        open.pop()
        continue
      }
      const why = removeName(at.fd, entry, path)
      yield
      if (why === 'removed') at.entries.pop()
      else if (open.length < MOST_OPEN) open.push(...list(at.fd, entry, path))
      else {
        const name = Buffer.from(`.removed-${process.pid}-${moved++}`)
        renameAt(at.fd, entry.name, open[1]!.fd, name)
        at.entries.pop()
        open[1]!.entries.unshift({ name, isDirectory: true, listings: 0 })
      }
    }
  } finally {
    for (const { fd } of open) closeSync(fd)
  }
}

function openParent(path: string): number | undefined {
  try {
    return openSync(dirname(path), O_PATH | constants.O_DIRECTORY)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function removeName(directory: number, entry: Entry, path: string): 'removed' | 'not empty' {
  let code = unlinkAt(directory, entry.name, entry.isDirectory)
  // What it is may have changed since it was looked at, and of the first name nothing is known.
  if (code === (entry.isDirectory ? 'ENOTDIR' : 'EISDIR')) {
    entry.isDirectory = !entry.isDirectory
    code = unlinkAt(directory, entry.name, entry.isDirectory)
  }
  if (code === undefined || code === 'ENOENT') return 'removed'
  if (entry.isDirectory && (code === 'ENOTEMPTY' || code === 'EEXIST')) return 'not empty'
  throw failure(code, entry, path)
}

/** Nothing where another process has removed it. */
function list(directory: number, entry: Entry, path: string): readonly OpenDirectory[] {
  if (++entry.listings > MOST_LISTINGS) throw failure('ENOTEMPTY', entry, path)
  let fd: number
  try {
    fd = openUnmounted(directory, entry.name)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw failure(errnoOf(error) ?? 'EIO', entry, path)
  }
  const entries = readdirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer', withFileTypes: true })
  return [{ fd, entries: entries.map(found => ({ name: found.name, isDirectory: found.isDirectory(), listings: 0 })) }]
}

function failure(code: string, { name }: Entry, path: string): KubeError {
  const at = `${JSON.stringify(name.toString())} in ${path}`
  // A mount: the kernel neither removes its name nor steps onto it.
  if (code === 'EBUSY' || code === 'EXDEV')
    return new KubeError('StillMounted', `something is mounted on ${at}: it is not removed`, {
      hint: 'what was mounted there by hand has to be unmounted first',
    })
  return new KubeError(code, `remove ${at}: ${code}`)
}
