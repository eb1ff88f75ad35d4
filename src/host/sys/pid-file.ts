/** A file that names the process at work. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { identityOf } from './process-identity.ts'

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
  return identityOf(pid)?.startsWith(`${pid}:${start}:`) ? { is: 'running', pid } : { is: 'dead' }
}

/** Sends SIGTERM to the process that the file names; false when there is none, or it is this one. */
export function endNamedProcess(path: string): boolean {
  const state = readPidFile(path)
  if (state.is !== 'running' || state.pid === process.pid) return false
  try {
    process.kill(state.pid, 'SIGTERM')
    return true
  } catch {
    return false
  }
}
