/**
 * Who works on a state root. Every command has a share of it for as long as it runs; what takes the root apart has all of it,
 * so that nothing is made anew while it is removed, nor removed under the hands of whoever makes it.
 *
 * A share is a file named after the process, in a directory of such files; who has all of the root is named by another file.
 * Each writes its own file before it looks for the other's, so that one of the two sees the other. These are no locks of the
 * kernel's, which would cost every command the loading of what asks for them.
 */
import { readFileSync, rmdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import type { Layout } from '../layout.ts'
import { lockFile } from './lock.ts'
import { makeDirectory } from './make-directory.ts'
import { namesIn } from './names-in.ts'
import { readPidFile, removeOwnPidFile, removePidFile, writePidFile } from './pid-file.ts'

type Places = Pick<Layout, 'root' | 'runroot' | 'workDir' | 'resetPid' | 'resetLock'>

/** What `shareRoot` gives where there can be no file, on a read-only disk or for a user who may only look. */
const NOTHING: Disposable = { [Symbol.dispose]() {} }
const CANNOT_WRITE: ReadonlySet<string | undefined> = new Set([
  'EROFS',
  'EACCES',
  'EPERM',
  'ENOSPC',
  'EDQUOT',
  'ENOTDIR',
])

/** How often this process has a share of each, by the file that says so. */
const own = new Map<string, number>()

function giveBack(path: string): void {
  const left = (own.get(path) ?? 1) - 1
  own.set(path, left)
  if (left === 0) removePidFile(path)
}

/** A share, until disposed of or until this process ends, however it ends. Fails with `ResetUnderWay`. */
export function shareRoot(places: Places): Disposable {
  const { workDir } = places
  if (isResetUnderWay(places)) throw resetUnderWay(places)
  const path = `${workDir}/${process.pid}`
  try {
    makeDirectory(workDir, 0o700)
    writePidFile(path)
  } catch (error) {
    // A file that there is no room for is empty: it is another process's business to tell that it means nobody.
    if (CANNOT_WRITE.has(errnoOf(error))) return NOTHING
    // The directory was removed just now, by a reset that has ended.
    if (errnoOf(error) === 'ENOENT') return shareRoot(places)
    throw error
  }
  own.set(path, (own.get(path) ?? 0) + 1)
  const share = { [Symbol.dispose]: () => giveBack(path) }
  if (isResetUnderWay(places)) {
    share[Symbol.dispose]()
    removeEmpty(workDir)
    throw resetUnderWay(places)
  }
  // Shares of commands that were killed.
  workers(workDir)
  return share
}

/** Whether another process takes the root apart. */
export function isResetUnderWay({ resetPid }: Places): boolean {
  const state = readPidFile(resetPid)
  return state.is === 'running' && state.pid !== process.pid
}

/** How often it is looked who is still at work, in milliseconds. */
const LOOK_MS = 10
/** After so long it is told who is waited for, in milliseconds. */
const TELL_MS = 500
/** Commands that were asked to stop are killed after this, in milliseconds: who waits removes whatever they leave. */
const KILL_MS = 10_000

/**
 * All of the root: turns away who comes, asks the commands at work to stop, and waits for them. Other programs, which use
 * kube as a library, are waited for and not asked. `onWait` is told once, after a while, who is waited for.
 */
export async function holdRoot(places: Places, onWait: (pids: readonly number[]) => void): Promise<Disposable> {
  // Two resets take turns.
  const lock = await lockFile(places.resetLock)
  try {
    writePidFile(places.resetPid)
    const asked = new Set<number>()
    for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
      const pids = workers(places.workDir)
      if (pids.length === 0) break
      stop(pids, asked, waitedMs > KILL_MS)
      if (waitedMs === TELL_MS) onWait(pids)
      await delay(LOOK_MS)
    }
  } catch (error) {
    removeOwnPidFile(places.resetPid)
    lock[Symbol.dispose]()
    throw error
  }
  return {
    [Symbol.dispose]() {
      removeOwnPidFile(places.resetPid)
      lock[Symbol.dispose]()
    },
  }
}

/** Other processes that have a share; takes the files of dead ones away. */
function workers(directory: string): readonly number[] {
  return namesIn(directory).flatMap(name => {
    const path = `${directory}/${name}`
    const state = readPidFile(path)
    if (state.is === 'running') return state.pid === process.pid ? [] : [state.pid]
    // One that is just being written says nothing either, but its process is there.
    if (state.is === 'dead' || !isProcess(name)) rmSync(path, { force: true })
    return []
  })
}

function isProcess(pid: string): boolean {
  return commandLineOf(pid) !== undefined
}

function stop(pids: readonly number[], asked: Set<number>, kill: boolean): void {
  for (const pid of pids) {
    if (!isCommand(pid) || (asked.has(pid) && !kill)) continue
    asked.add(pid)
    try {
      process.kill(pid, kill ? 'SIGKILL' : 'SIGTERM')
    } catch {
      // It has just ended.
    }
  }
}

/** The built command, or its source: no test runner that has loaded the library. */
function isCommand(pid: number): boolean {
  const words = commandLineOf(pid)?.split('\0') ?? []
  return words.some(word => word.endsWith('/kube.cjs') || word.endsWith('/src/main.ts'))
}

function commandLineOf(pid: number | string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return undefined
  }
}

/** What this process has made beside a reset, which would find it in its way. */
function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory)
    rmdirSync(dirname(directory))
  } catch {
    // Not there, or others are in it.
  }
}

function resetUnderWay({ root }: Places): KubeError {
  return new KubeError('ResetUnderWay', `\`kube system reset\` is just removing everything of ${root}`, {
    hint: 'try again when it has ended',
  })
}
