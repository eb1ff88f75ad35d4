/** How a container's last run ended, for its record. */
import type { MemberPlan } from '../plan/types.ts'
import type { Termination } from '../reconcile/lifecycle.ts'
import { UNKNOWN_STATUS } from '../reconcile/restart.ts'
import { observeRun } from './observe.ts'
import type { Host, PodRecord } from './ports.ts'
import { terminationMessage } from './snapshot.ts'

/** As a container runtime says of a command that never ran. */
export const NEVER_STARTED = new Date(0).toISOString()

/** Of a container that is not running; one whose end nobody saw ends now, as if it had been killed. */
export function terminationOf(host: Host, record: PodRecord, member: MemberPlan): Termination {
  const known = record.containers[member.name]
  const id = known?.id ?? host.containerId(record.uid, member.name, 0)
  if (known?.lifecycle?.end) return known.lifecycle.end
  const now = observeRun(host, record.uid, member.name, known)
  const exitCode = now.exitCode ?? UNKNOWN_STATUS
  const finishedAt = now.finishedAt ?? host.now()
  const message = now.startError ?? terminationMessage(host, record, member, exitCode)
  return {
    id,
    exitCode,
    startedAt: now.startError === undefined ? (known?.startedAt ?? finishedAt) : NEVER_STARTED,
    finishedAt,
    reason: now.startError === undefined ? reasonOf(now.exitCode, now.oomKilled === true) : 'StartError',
    ...(message === '' ? {} : { message }),
  }
}

function reasonOf(exitCode: number | undefined, oomKilled: boolean): string {
  if (oomKilled) return 'OOMKilled'
  if (exitCode === undefined) return 'ContainerStatusUnknown'
  return exitCode === 0 ? 'Completed' : 'Error'
}
