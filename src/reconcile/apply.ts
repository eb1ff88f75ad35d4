/** What an action makes true: the observation after it. Pure; lets the run loop go on without looking again. */
import { RESTARTING_ALL } from '../plan/restart-policy.ts'
import type { Action } from './actions.ts'
import { NEW_LIFE } from './lifecycle.ts'
import { ABSENT, type ObservedContainer, type ObservedPod } from './observed.ts'
import { lifeAtStart, lifeBeforeHook, probesOf } from './probe.ts'
import { UNKNOWN_STATUS } from './restart.ts'

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
    case 'endPod':
      return { ...pod, ended: true }
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
      return retired(pod, action.container, action.all === true)
    case 'startContainer': {
      const member = pod.plan.members.find(({ name }) => name === action.container)
      const lifecycle = pod.containers[action.container]?.lifecycle ?? NEW_LIFE
      const probes = probesOf(member?.container ?? {})
      const life = action.leavesHook ? lifeBeforeHook(lifecycle) : lifeAtStart(lifecycle, probes)
      return withContainer(pod, action.container, { state: 'running', lifecycle: life })
    }
    case 'killContainer':
      return withContainer(pod, action.container, { state: 'exited' })
  }
}

function withContainer(pod: ObservedPod, name: string, change: Partial<ObservedContainer>): ObservedPod {
  const now = pod.containers[name] ?? ABSENT
  return { ...pod, containers: { ...pod.containers, [name]: { ...now, ...change } } }
}

/** Its next run is new, but it remembers that there was one before. */
function retired(pod: ObservedPod, name: string, all: boolean): ObservedPod {
  const { id = '', lifecycle, exitCode, startedAt, finishedAt } = pod.containers[name] ?? ABSENT
  const last = {
    id,
    exitCode: exitCode ?? UNKNOWN_STATUS,
    startedAt: startedAt ?? '',
    finishedAt: finishedAt ?? '',
    reason: all ? RESTARTING_ALL.reason : 'Error',
  }
  const { end: _end, retry: _retry, hook: _hook, ...rest } = lifecycle ?? NEW_LIFE
  const next = { id, rootfs: 'absent', state: 'absent', lifecycle: { ...rest, started: false, last } }
  return { ...pod, containers: { ...pod.containers, [name]: next as ObservedContainer } }
}
