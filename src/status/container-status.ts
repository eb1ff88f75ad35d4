/** The status of one container. Source: kubelet's convertToAPIContainerStatuses. */
import type { V1ContainerState, V1ContainerStatus } from '@kubernetes/client-node'
import type { MemberPlan } from '../plan/types.ts'
import { canonicalQuantities } from './quantities.ts'
import type { ContainerEnd, ContainerSnapshot } from './snapshot.ts'
import { type Wire, wireTime } from './wire.ts'

export type WireContainerStatus = Wire<V1ContainerStatus>
type WireState = Wire<V1ContainerState>

const RUNTIME = 'crun'
const NEVER = new Date(0).toISOString()
const SIGKILL_STATUS = 137

/** `hasInit`: the pod has init containers, so one that waits does so for them. */
export function containerStatus(
  member: MemberPlan,
  now: ContainerSnapshot | undefined,
  hasInit: boolean,
): WireContainerStatus {
  const state = stateOf(now, hasInit)
  const started = startedOf(member, now)
  const isEphemeral = member.role === 'ephemeral'
  const made = now?.state === 'absent' ? undefined : now
  // Nothing changes what a container was given.
  const given = made && canonicalQuantities(member.container.resources ?? {})
  return {
    ...(Object.keys(given?.requests ?? {}).length === 0 ? {} : { allocatedResources: given!.requests! }),
    ...(made === undefined ? {} : { containerID: `${RUNTIME}://${made.id}` }),
    image: now?.image ?? member.image,
    imageID: now?.imageId ?? '',
    lastState: lastStateOf(now),
    name: member.name,
    // Nobody asks whether a container that only looks on is ready.
    ready: !isEphemeral && readyOf(member, now, started),
    ...(given === undefined ? {} : { resources: given }),
    restartCount: now?.restarts ?? 0,
    ...(isEphemeral ? {} : { started }),
    state,
    ...(made?.user === undefined ? {} : { user: { linux: made.user } }),
    ...(member.mounts.length === 0 ? {} : { volumeMounts: mountsOf(member) }),
  }
}

function stateOf(now: ContainerSnapshot | undefined, hasInit: boolean): WireState {
  if (now?.waiting) return { waiting: { ...now.waiting } }
  if (now?.state === 'running')
    return { running: now.startedAt === undefined ? {} : { startedAt: wireTime(now.startedAt) } }
  if (now?.state === 'exited' && now.end) return { terminated: terminated(now.id, now.end, now.startedAt) }
  if (now?.state === 'broken') return { terminated: lost(now) }
  return { waiting: { reason: hasInit ? 'PodInitializing' : 'ContainerCreating' } }
}

/** Of one that waits for its restart: the run that just ended. */
function lastStateOf(now: ContainerSnapshot | undefined): WireState {
  if (now?.waiting && now.end) return { terminated: terminated(now.id, now.end, now.startedAt) }
  if (now?.previous === undefined) return {}
  const { id, startedAt, reason } = now.previous
  const end = terminated(id, now.previous, startedAt)
  return { terminated: reason === undefined ? end : { ...end, reason } }
}

function terminated(
  id: string,
  end: ContainerEnd,
  startedAt: string | undefined,
): NonNullable<WireState['terminated']> {
  // As containerd says it of a command that never ran.
  const began = end.reason === 'StartError' ? NEVER : startedAt
  return {
    containerID: `${RUNTIME}://${id}`,
    exitCode: end.exitCode,
    ...(end.finishedAt === undefined ? {} : { finishedAt: wireTime(later(end.finishedAt, startedAt)) }),
    ...(end.message === undefined || end.message === '' ? {} : { message: end.message }),
    reason: end.reason ?? (end.oomKilled ? 'OOMKilled' : end.exitCode === 0 ? 'Completed' : 'Error'),
    ...(began === undefined ? {} : { startedAt: wireTime(began) }),
  }
}

/** A start is written down after it happened: a short run may have ended by then. */
function later(end: string, start: string | undefined): string {
  return start !== undefined && start > end ? start : end
}

/** As the kubelet tells it of a container that is gone without a trace. */
function lost(now: ContainerSnapshot): NonNullable<WireState['terminated']> {
  return {
    containerID: `${RUNTIME}://${now.id}`,
    exitCode: SIGKILL_STATUS,
    message: 'The container could not be located when the pod was terminated',
    reason: 'ContainerStatusUnknown',
    ...(now.startedAt === undefined ? {} : { startedAt: wireTime(now.startedAt) }),
  }
}

function startedOf({ role, container }: MemberPlan, now: ContainerSnapshot | undefined): boolean {
  if (now?.state !== 'running' || role === 'init') return false
  return now.started ?? container.startupProbe === undefined
}

/** An init container is ready once it succeeded; any other while it runs and its readiness probe says so. */
function readyOf({ role, container }: MemberPlan, now: ContainerSnapshot | undefined, started: boolean): boolean {
  if (role === 'init') return now?.state === 'exited' && now.end?.exitCode === 0
  if (!started || now === undefined) return false
  return now.ready ?? container.readinessProbe === undefined
}

function mountsOf(member: MemberPlan): NonNullable<WireContainerStatus['volumeMounts']> {
  return (member.container.volumeMounts ?? []).map(mount => ({
    mountPath: mount.mountPath,
    name: mount.name,
    ...(mount.readOnly === true ? { readOnly: true, recursiveReadOnly: mount.recursiveReadOnly ?? 'Disabled' } : {}),
  }))
}
