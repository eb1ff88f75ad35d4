/** Looks at recorded pods for their status: what ran, how it ended, what it left behind. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { RESTARTING_ALL } from '../plan/restart-policy.ts'
import type { MemberPlan } from '../plan/types.ts'
import type { ContainerLifecycle } from '../reconcile/lifecycle.ts'
import type { ObservedContainer } from '../reconcile/observed.ts'
import { logTail } from '../status/cri-log.ts'
import type { ContainerEnd, ContainerSnapshot, PodSnapshot } from '../status/snapshot.ts'
import { addressesOf } from './container-facts.ts'
import { knownImage } from './known-image.ts'
import { isSandboxLost } from './neglected.ts'
import { observePod } from './observe.ts'
import type { ContainerRecord, EngineImage, Host, PodRecord } from './ports.ts'

/** Bytes of a termination message. Source: k8s.io/kubernetes pkg/kubelet/container, MaxContainerTerminationMessageLength. */
const MESSAGE_BYTES = 4096
/** Enough of a log to hold what a message may take from it. */
const LOG_BYTES = 16 * 1024

/** `observed`: where the pod was looked at already. */
export function snapshotPod(host: Host, record: PodRecord, observed = observePod(host, record)): PodSnapshot {
  const { plan } = record
  const containers: Record<string, ContainerSnapshot> = {}
  for (const member of plan.members) {
    const now = observed.containers[member.name]
    const known = record.containers[member.name]
    // Before its record there is nothing to tell: it is just being created.
    if (now && known) containers[member.name] = snapshotContainer(host, record, member, now)
  }
  const uid = ownerUid(host, record)
  return {
    uid: record.uid,
    plan,
    createdAt: record.createdAt,
    removing: record.removing,
    ...(record.failure === undefined ? {} : { failure: record.failure }),
    ...(record.stopped ? { stopped: true } : {}),
    ...(record.conditions === undefined ? {} : { conditions: record.conditions }),
    ...(record.ended ? { ended: true } : {}),
    sandboxReady: observed.infra === 'running' && observed.network === 'attached',
    ...(isSandboxLost(record, observed) ? { sandboxLost: true } : {}),
    podIps: addressesOf(host, record),
    hostIps: host.machine.hostIps,
    nodeName: host.machine.nodeName,
    ...(uid === undefined ? {} : { ownerUid: uid }),
    containers,
  }
}

function snapshotContainer(
  host: Host,
  record: PodRecord,
  member: MemberPlan,
  now: ObservedContainer,
): ContainerSnapshot {
  const known = record.containers[member.name]
  const before = known && lastRun(member, known, now.state)
  if (before) return { ...before, restarts: known.attempt - 1, ...imageFacts(host, member, known) }
  const end = endOf(host, record, member, now)
  return {
    id: now.id,
    state: now.state,
    restarts: known?.attempt ?? 0,
    ...imageFacts(host, member, known),
    ...(known?.user === undefined ? {} : { user: known.user }),
    ...(known?.startedAt === undefined ? {} : { startedAt: known.startedAt }),
    ...(end === undefined ? {} : { end }),
    ...lifeFacts(known?.lifecycle, now.state === 'running'),
  }
}

/**
 * A container that is being made for its next run is told as the run before: as it ended, or why it waited to be started
 * again. Not where the whole pod begins anew, init containers that did their work included. Source: kubelet,
 * convertToAPIContainerStatuses.
 */
function lastRun(
  { role }: MemberPlan,
  { lifecycle, process }: ContainerRecord,
  state: ObservedContainer['state'],
): Omit<ContainerSnapshot, 'restarts'> | undefined {
  const { last, waiting } = lifecycle ?? {}
  const isBeingMade = state === 'absent' || state === 'created' || (state === 'broken' && process === undefined)
  if (last === undefined || !isBeingMade) return undefined
  if (last.reason === RESTARTING_ALL.reason || (role === 'init' && last.exitCode === 0)) return undefined
  const { id, startedAt, ...end } = last
  return {
    id,
    state: 'exited',
    startedAt,
    end: { ...end, oomKilled: end.reason === 'OOMKilled' },
    ready: false,
    started: false,
    ...(waiting === undefined ? {} : { waiting }),
  }
}

/** What the supervisor wrote down of a container's life. */
function lifeFacts(lifecycle: ContainerLifecycle | undefined, running: boolean): Partial<ContainerSnapshot> {
  if (!lifecycle) return {}
  const { last, waiting, ready, started, readyTurnedMs } = lifecycle
  return {
    ...(running || waiting === undefined ? {} : { waiting }),
    ready,
    started,
    ...(readyTurnedMs === undefined ? {} : { readyTurnedMs }),
    ...(last === undefined ? {} : { previous: { ...last, oomKilled: last.reason === 'OOMKilled' } }),
  }
}

function endOf(host: Host, record: PodRecord, member: MemberPlan, now: ObservedContainer): ContainerEnd | undefined {
  if (now.state !== 'exited' || now.exitCode === undefined) return undefined
  if (now.lifecycle?.end) return { ...now.lifecycle.end, oomKilled: now.lifecycle.end.reason === 'OOMKilled' }
  const message = now.startError ?? terminationMessage(host, record, member, now.exitCode)
  return {
    exitCode: now.exitCode,
    ...(now.startError === undefined ? {} : { reason: 'StartError' }),
    oomKilled: now.oomKilled === true,
    ...(now.finishedAt === undefined ? {} : { finishedAt: now.finishedAt }),
    ...(message === '' ? {} : { message }),
  }
}

/** What the container wrote for this; with `FallbackToLogsOnError` the end of its log when it wrote nothing and failed. */
export function terminationMessage(host: Host, record: PodRecord, member: MemberPlan, exitCode: number): string {
  const { uid } = record
  const message = readEnd(host.volumes.terminationLog(uid, member.name), MESSAGE_BYTES, 'start').toString('utf8')
  if (message !== '' || exitCode === 0) return message
  if (member.container.terminationMessagePolicy !== 'FallbackToLogsOnError') return ''
  const attempt = record.containers[member.name]?.attempt ?? 0
  return logTail(readEnd(host.logFile(uid, member.name, attempt), LOG_BYTES, 'end'))
}

/** Up to `bytes` of a file from one of its ends; nothing when it can't be read. */
function readEnd(path: string, bytes: number, end: 'start' | 'end'): Buffer {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch {
    return Buffer.alloc(0)
  }
  try {
    const buffer = Buffer.alloc(bytes)
    const from = end === 'start' ? 0 : Math.max(0, fstatSync(fd).size - bytes)
    return buffer.subarray(0, readSync(fd, buffer, 0, bytes, from))
  } finally {
    closeSync(fd)
  }
}

function imageFacts(
  host: Host,
  member: MemberPlan,
  known: ContainerRecord | undefined,
): Pick<ContainerSnapshot, 'image' | 'imageId'> {
  // Of one whose image could not be had there is nothing to be told.
  if (known === undefined || known.imageId === '') return {}
  const image = knownImage(host, known.imageId)
  if (!image) return { imageId: known.imageId }
  const name = nameOf(image, member.image)
  const digest = image.manifestDigest
  return {
    ...(name === undefined ? {} : { image: name }),
    imageId: digest === undefined || name === undefined ? image.id : `${repositoryOf(name)}@${digest}`,
  }
}

/** Of an image's names, the one that the manifest means; else its first. */
function nameOf(image: EngineImage, written: string): string | undefined {
  const names = image.references ?? []
  const wanted = [written, `/${written}`, `/${written}:latest`]
  return names.find(name => wanted.some(text => name === text || name.endsWith(text))) ?? names[0]
}

/** `docker.io/library/busybox` of `docker.io/library/busybox:1.36`. */
function repositoryOf(name: string): string {
  return name.replace(/@.*$/, '').replace(/:[^/:]+$/, '')
}

/** The owner's own uid: the plan, made without looking, holds one that stands for it. */
function ownerUid(host: Host, record: PodRecord): string | undefined {
  const { owner, namespace } = record.plan
  if (owner === undefined) return undefined
  return host.state.objects({ kind: owner.kind, namespace, made: true }).find(({ name }) => name === owner.name)?.uid
}
