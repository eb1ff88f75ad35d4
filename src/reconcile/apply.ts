/** What an action makes true: the observation after it. Pure; lets the run loop go on without looking again. */
import type { Action } from './actions.ts'
import { ABSENT, type ObservedContainer, type ObservedPod } from './observed.ts'

/** The pod as it is once `action` is done. */
export function apply(pod: ObservedPod, action: Action): ObservedPod {
  switch (action.kind) {
    case 'makeSandbox':
      return { ...pod, sandbox: 'present' }
    case 'removeSandbox':
    case 'forgetPod':
      return { ...pod, sandbox: 'absent' }
    case 'startInfra':
      return { ...pod, infra: 'running', network: pod.plan.network.mode === 'host' ? 'attached' : pod.network }
    case 'stopInfra':
      return { ...pod, infra: 'absent' }
    case 'attachNetwork':
      return { ...pod, network: 'attached' }
    case 'detachNetwork':
      return { ...pod, network: 'absent' }
    case 'mountRootfs':
      return withContainer(pod, action.container, { rootfs: 'mounted' })
    case 'unmountRootfs':
      return withContainer(pod, action.container, { rootfs: 'absent' })
    case 'createContainer':
      return withContainer(pod, action.container, { state: 'created' })
    case 'deleteContainer':
      return withContainer(pod, action.container, { state: 'absent' })
    case 'retireContainer':
      return withContainer(pod, action.container, { state: 'absent', rootfs: 'absent' })
    case 'startContainer':
      return withContainer(pod, action.container, { state: 'running' })
    case 'killContainer':
      return withContainer(pod, action.container, { state: 'exited' })
  }
}

function withContainer(pod: ObservedPod, name: string, change: Partial<ObservedContainer>): ObservedPod {
  const now = pod.containers[name] ?? ABSENT
  return { ...pod, containers: { ...pod.containers, [name]: { ...now, ...change } } }
}
