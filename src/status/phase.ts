/** The pod's phase. Source: kubelet's getPhase. */
import type { V1Pod } from '@kubernetes/client-node'
import type { MemberPlan } from '../plan/types.ts'
import type { WireContainerStatus } from './container-status.ts'

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed'

interface Counts {
  waiting: number
  running: number
  stopped: number
  succeeded: number
}

export function podPhase(
  pod: Pick<V1Pod, 'spec'>,
  members: readonly MemberPlan[],
  statuses: Readonly<Record<string, WireContainerStatus>>,
): PodPhase {
  const policy = pod.spec?.restartPolicy ?? 'Always'
  let pendingInit = 0
  let failedInit = 0
  const counts: Counts = { waiting: 0, running: 0, stopped: 0, succeeded: 0 }
  for (const member of members) {
    const status = statuses[member.name]
    if (member.role === 'init') {
      const ended = status?.state?.terminated ?? (status?.state?.waiting ? status.lastState?.terminated : undefined)
      if (ended === undefined) pendingInit++
      else if (ended.exitCode !== 0) failedInit++
    } else if (member.role === 'sidecar') {
      if (status?.started !== true && !status?.state?.terminated && !status?.lastState?.terminated) pendingInit++
    } else if (member.role === 'main') count(counts, status)
  }
  if (failedInit > 0 && policy === 'Never') return 'Failed'
  if (pendingInit > 0 || failedInit > 0 || counts.waiting > 0) return 'Pending'
  if (counts.running > 0) return 'Running'
  if (counts.stopped === 0) return 'Pending'
  if (policy === 'Always') return 'Running'
  if (counts.stopped === counts.succeeded) return 'Succeeded'
  return policy === 'Never' ? 'Failed' : 'Running'
}

function count(counts: Counts, status: WireContainerStatus | undefined): void {
  const state = status?.state
  if (state?.running) counts.running++
  else if (state?.terminated) {
    counts.stopped++
    if (state.terminated.exitCode === 0) counts.succeeded++
  } else if (status?.lastState?.terminated) counts.stopped++
  else counts.waiting++
}
