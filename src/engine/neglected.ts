/**
 * Pods that nobody was told of: the monitor of a container was killed, so that its end woke no supervisor, or the infra
 * container was, which has no monitor. Whoever looks at a pod sees it.
 */
import { nextDueMs } from '../reconcile/decide.ts'
import type { ObservedPod } from '../reconcile/observed.ts'
import { isOver } from '../reconcile/restart.ts'
import type { Host, PodRecord } from './ports.ts'

/** Its namespaces are gone, or are to go, though it is not over. After a reboot nothing of a pod runs: that is no neglect. */
export function isSandboxLost({ infra, ended, builder }: PodRecord, observed: ObservedPod): boolean {
  if (infra === undefined || ended !== undefined || builder !== undefined || observed.infra !== 'dead') return false
  return Object.values(observed.containers).some(({ state }) => state === 'running')
}

/** Whether a supervisor has something to do for the pod of which it was not told. */
export function isNeglected(host: Host, record: PodRecord, observed: ObservedPod): boolean {
  if (record.removing || record.builder !== undefined || record.ended !== undefined) return false
  if (isSandboxLost(record, observed)) return true
  const hasVanished = Object.values(observed.containers).some(
    ({ state, startedAt }) => state === 'broken' && startedAt !== undefined,
  )
  if (!hasVanished || observed.infra !== 'running') return false
  return isOver(observed) ? !observed.stopped : nextDueMs(observed, host.backoff) !== undefined
}
