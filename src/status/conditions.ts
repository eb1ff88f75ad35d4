/** The pod's conditions. Source: kubelet's pkg/kubelet/status/generate.go. */
import type { V1PodCondition } from '@kubernetes/client-node'
import type { WireContainerStatus } from './container-status.ts'
import type { PodPhase } from './phase.ts'
import type { PodSnapshot } from './snapshot.ts'
import { type Wire, wireTime } from './wire.ts'

export type WireCondition = Wire<V1PodCondition>
type Statuses = Readonly<Record<string, WireContainerStatus>>

interface Answer {
  readonly status: 'True' | 'False'
  readonly reason?: string
  readonly message?: string
}

const YES: Answer = { status: 'True' }

export function podConditions(snapshot: PodSnapshot, phase: PodPhase, statuses: Statuses): readonly WireCondition[] {
  const created = wireTime(snapshot.createdAt)
  const initialized = initializedAnswer(snapshot, phase, statuses)
  const containersReady = containersReadyAnswer(snapshot, phase, statuses)
  const ready = readyAnswer(snapshot, containersReady)
  const changed = lastChange(snapshot, containersReady.status === 'True')
  return [
    condition('PodReadyToStartContainers', { status: snapshot.sandboxReady ? 'True' : 'False' }, created),
    condition('Initialized', initialized, initTime(snapshot) ?? created),
    condition('Ready', ready, changed ?? created),
    condition('ContainersReady', containersReady, changed ?? created),
    condition('PodScheduled', YES, created),
  ]
}

function condition(type: string, answer: Answer, lastTransitionTime: string): WireCondition {
  const { status, reason, message } = answer
  return {
    lastTransitionTime,
    ...(message === undefined ? {} : { message }),
    observedGeneration: 1,
    ...(reason === undefined ? {} : { reason }),
    status,
    type,
  }
}

function initializedAnswer({ plan }: PodSnapshot, phase: PodPhase, statuses: Statuses): Answer {
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' }
  const missing = plan.members.filter(member => {
    const status = statuses[member.name]
    if (member.role === 'init') return status?.ready !== true
    return member.role === 'sidecar' && status?.started !== true && !status?.state?.terminated
  })
  if (missing.length === 0) return YES
  const message = `containers with incomplete status: [${missing.map(member => member.name).join(' ')}]`
  return { status: 'False', reason: 'ContainersNotInitialized', message }
}

function containersReadyAnswer({ plan }: PodSnapshot, phase: PodPhase, statuses: Statuses): Answer {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' }
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' }
  const unready = plan.members.filter(
    ({ role, name }) => role !== 'init' && role !== 'ephemeral' && statuses[name]?.ready !== true,
  )
  if (unready.length === 0) return YES
  const message = `containers with unready status: [${unready.map(member => member.name).join(' ')}]`
  return { status: 'False', reason: 'ContainersNotReady', message }
}

/** A readiness gate is a condition that something outside sets; here nothing does, so the pod waits for it. */
function readyAnswer({ plan }: PodSnapshot, containersReady: Answer): Answer {
  const gates = plan.pod.spec?.readinessGates ?? []
  if (containersReady.status === 'False' || gates.length === 0) return containersReady
  const message = gates.map(
    gate => `corresponding condition of pod readiness gate "${gate.conditionType}" does not exist.`,
  )
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: message.join(', ') }
}

/** When the last init container ended. */
function initTime({ plan, containers }: PodSnapshot): string | undefined {
  const ends = plan.members
    .filter(member => member.role === 'init')
    .map(member => containers[member.name]?.end?.finishedAt)
    .filter(time => time !== undefined)
  return latest(ends)
}

/** When the containers became what they are: started or found ready for a ready pod, ended or found unready for another. */
function lastChange({ plan, containers }: PodSnapshot, ready: boolean): string | undefined {
  const times = plan.members
    .filter(member => member.role !== 'init')
    .flatMap(({ name }) => {
      const now = containers[name]
      const turned = now?.readyTurnedMs
      return [
        ready ? now?.startedAt : now?.end?.finishedAt,
        turned === undefined || now?.ready !== ready ? undefined : new Date(turned).toISOString(),
      ]
    })
    .filter(time => time !== undefined)
  return latest(times)
}

function latest(times: readonly string[]): string | undefined {
  if (times.length === 0) return undefined
  return wireTime(Math.max(...times.map(time => Date.parse(time))))
}
