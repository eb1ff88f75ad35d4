/** Telling one process from a later one that was given the same number. */
import { readFileSync } from 'node:fs'

/** `PID:START:BOOT`: number, start time in clock ticks since boot, and the boot it happened in. */
export type ProcessIdentity = string

let boot: string | undefined

/** Eight hex digits that change with every boot. */
export function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8)
  return boot
}

/** `undefined` when there is no such process, or only its zombie. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const start = startTicks(pid)
  return start === undefined ? undefined : `${pid}:${start}:${bootId()}`
}

export function pidOf(identity: ProcessIdentity): number {
  return Number.parseInt(identity, 10)
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identityOf(pidOf(identity)) === identity
}

/** Whether the machine was started anew since. One that had ended before it was looked at has no boot. */
export function hasRebooted(identity: ProcessIdentity): boolean {
  const [, , boot = ''] = identity.split(':')
  return boot !== '' && boot !== bootId()
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold spaces and brackets. Source: proc_pid_stat(5). */
function startTicks(pid: number): string | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  return state === 'Z' || state === 'X' ? undefined : fields[19]
}
