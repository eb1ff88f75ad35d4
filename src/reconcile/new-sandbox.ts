/**
 * A pod whose infra container died lost its namespaces: its containers are ended, and everything begins anew in new ones,
 * init containers too. Pure. Source: kubelet, computePodActions, podSandboxChanged.
 */
import type { Action } from './actions.ts'
import type { ObservedPod } from './observed.ts'

/** What clears the way for a new infra container; `[]` for a pod that is not to run again. */
export function decideNewSandbox(pod: ObservedPod): readonly Action[] {
  const { uid, plan } = pod
  const containers = Object.entries(pod.containers)
  const running = containers.filter(([, { state }]) => state === 'running')
  if (running.length > 0) {
    const graceSeconds = plan.terminationGracePeriodSeconds
    return running.map(([container]) => ({ kind: 'killContainer', uid, container, graceSeconds }))
  }
  if (plan.pod.spec?.restartPolicy === 'Never') return []
  const left = containers.filter(([, { state }]) => state !== 'absent')
  if (left.length > 0) {
    return left.map(([container, { startedAt }]) => {
      // One that never ran has no run to remember.
      const kind = startedAt === undefined ? 'deleteContainer' : 'retireContainer'
      return { kind, uid, container }
    })
  }
  const detach: readonly Action[] =
    plan.network.mode === 'bridge' && pod.network === 'attached' ? [{ kind: 'detachNetwork', uid }] : []
  return [{ kind: 'stopInfra', uid }, ...detach]
}
