/** The pod's phase. Source: kubelet's getPhase. */
import type { V1Pod } from '@kubernetes/client-node'
import { afterExit, RESTARTING_ALL } from '../plan/restart-policy.ts'
import type { MemberPlan } from '../plan/types.ts'
import type { WireContainerStatus } from './container-status.ts'

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed'

type Statuses = Readonly<Record<string, WireContainerStatus>>

interface Counts {
  /** Init containers that are not done. */
  pendingInit: number
  /** Init containers that failed and are not tried again. */
  lostInit: number
  /** Sidecars that have not started. */
  pendingSidecars: number
  waiting: number
  running: number
  stopped: number
  stoppedForGood: number
  succeeded: number
}

export function podPhase(pod: Pick<V1Pod, 'spec'>, members: readonly MemberPlan[], statuses: Statuses): PodPhase {
  const policy = pod.spec?.restartPolicy ?? 'Always'
  const counts: Counts = {
    pendingInit: 0,
    lostInit: 0,
    pendingSidecars: 0,
    waiting: 0,
    running: 0,
    stopped: 0,
    stoppedForGood: 0,
    succeeded: 0,
  }
  for (const member of members) {
    const status = statuses[member.name]
    if (member.role === 'init') countInit(counts, policy, member, status)
    else if (member.role === 'sidecar') countSidecar(counts, status)
    else if (member.role === 'main') countMain(counts, policy, member, status)
  }
  if (counts.lostInit > 0) return 'Failed'
  if (counts.pendingInit > 0) return 'Pending'
  // A sidecar that is restarted does not take back what the pod has reached.
  if (counts.pendingSidecars > 0 && !hasRun(members, statuses)) return 'Pending'
  if (counts.waiting > 0) return 'Pending'
  if (counts.running > 0) return 'Running'
  if (counts.stopped === 0) return 'Pending'
  if (counts.stopped !== counts.stoppedForGood) return 'Running'
  return counts.stopped === counts.succeeded ? 'Succeeded' : 'Failed'
}

/** Whether a main container has ever been started. */
export function hasRun(members: readonly MemberPlan[], statuses: Statuses): boolean {
  return members.some(({ role, name }) => {
    const { state, lastState } = statuses[name] ?? {}
    if (role !== 'main') return false
    // After a restart of the whole pod its beginning is yet to come.
    const isBefore = lastState?.terminated?.reason === RESTARTING_ALL.reason
    return Boolean(state?.running ?? state?.terminated ?? (isBefore ? undefined : lastState?.terminated))
  })
}

/** How the run ended that is over, be it the last one or one that waits to be tried again. */
function endOf(status: WireContainerStatus | undefined) {
  return status?.state?.terminated ?? (status?.state?.waiting ? status.lastState?.terminated : undefined)
}

function isForGood(policy: string, member: MemberPlan, end: NonNullable<ReturnType<typeof endOf>>): boolean {
  return end.reason !== RESTARTING_ALL.reason && afterExit(policy, member, end.exitCode) === 'nothing'
}

function countInit(counts: Counts, policy: string, member: MemberPlan, status: WireContainerStatus | undefined): void {
  const end = endOf(status)
  if (end === undefined) counts.pendingInit++
  else if (end.exitCode !== 0 && isForGood(policy, member, end)) counts.lostInit++
}

function countSidecar(counts: Counts, status: WireContainerStatus | undefined): void {
  const { state, lastState } = status ?? {}
  if (state?.running) {
    counts.running++
    if (status?.started !== true) counts.pendingSidecars++
  } else if (!state?.terminated && !lastState?.terminated) counts.pendingSidecars++
}

function countMain(counts: Counts, policy: string, member: MemberPlan, status: WireContainerStatus | undefined): void {
  const end = endOf(status)
  if (status?.state?.running) counts.running++
  else if (end === undefined) counts.waiting++
  else {
    counts.stopped++
    if (isForGood(policy, member, end)) counts.stoppedForGood++
    if (end.exitCode === 0) counts.succeeded++
  }
}
