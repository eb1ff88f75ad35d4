/** A file that names the process at work. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { identityOf, type ProcessIdentity } from './process-identity.ts'

/** `dead`: it was killed at its work, and left the file. */
export type PidFileState = { readonly is: 'running'; readonly pid: number } | { readonly is: 'dead' | 'none' }

/** Names this process: `PID START`, since numbers come again. Source of START: field 22 in proc_pid_stat(5). */
export function writePidFile(path: string): void {
  const [pid, start] = identityOf(process.pid)!.split(':')
  writeFileSync(path, `${pid} ${start}\n`, { mode: 0o600 })
}

export function removePidFile(path: string): void {
  rmSync(path, { force: true })
}

/** Removes it, unless it names another process by now. */
export function removeOwnPidFile(path: string): void {
  const state = readPidFile(path)
  if (state.is === 'running' && state.pid === process.pid) removePidFile(path)
}

export function readPidFile(path: string): PidFileState {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return { is: 'none' }
  }
  const [number = '', start = ''] = text.trim().split(' ')
  const pid = Number(number)
  if (!(pid > 0)) return { is: 'none' }
  return isProcess(pid, start) ? { is: 'running', pid } : { is: 'dead' }
}

/** A shell doesn't know when what it starts began. */
function isProcess(pid: number, start: string): boolean {
  return identityOf(pid)?.startsWith(start === '' ? `${pid}:` : `${pid}:${start}:`) === true
}

/**
 * Says that a process is being started, until that one names itself elsewhere and takes this away. `start` returns its
 * number.
 */
export function noteStart(path: string, start: () => number | undefined): void {
  writeFileSync(path, '', { mode: 0o600 })
  const pid = start()
  const [, ticks = ''] = (pid === undefined ? undefined : identityOf(pid))?.split(':') ?? []
  try {
    writeFileSync(path, `${pid ?? ''} ${ticks}\n`, { flag: 'r+' })
  } catch {
    // It was faster.
  }
}

/** Whether a process was to start that died, or whose starter died, before it could name itself. */
export function hasDiedStarting(path: string): boolean {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return false
  }
  const [number = '', start = ''] = text.trim().split(' ')
  return !(Number(number) > 0 && isProcess(Number(number), start))
}

/** Sends a signal to the process that the file names, if that is another one than this; returns which it is. */
export function signalNamedProcess(path: string, signal: NodeJS.Signals): ProcessIdentity | undefined {
  const state = readPidFile(path)
  if (state.is !== 'running' || state.pid === process.pid) return undefined
  const identity = identityOf(state.pid)
  try {
    process.kill(state.pid, signal)
  } catch {
    // It has just ended.
  }
  return identity
}
