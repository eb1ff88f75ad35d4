/** A pod in a table, told as kubectl tells it. Source: kubernetes pkg/printers/internalversion/printers.go, printPod. */
import type { WireContainerStatus } from './container-status.ts'
import type { PodObject } from './pod-object.ts'

export interface PodRow {
  /** Ready containers of all: `1/2`. */
  readonly ready: string
  /** `Running`, `Init:0/1`, `CrashLoopBackOff`, `Terminating`. */
  readonly status: string
  readonly restarts: number
  /** When the last restart's previous run ended. */
  readonly lastRestart?: string
}

/** Why nothing of a pod runs although nothing is wrong with it: told whatever its containers' last status. */
const PAUSES: ReadonlySet<string> = new Set(['Stopped', 'Created'])

export function podRow(pod: PodObject): PodRow {
  const sidecars = new Set(
    (pod.spec.initContainers ?? []).filter(container => container.restartPolicy === 'Always').map(({ name }) => name),
  )
  const init = initRow(pod, sidecars)
  const total = (pod.spec.containers ?? []).length + sidecars.size
  const pause = PAUSES.has(pod.status.reason ?? '') ? pod.status.reason : undefined
  if (init.reason !== undefined && !isInitialized(pod)) {
    const status = isTerminating(pod) ? 'Terminating' : (pause ?? init.reason)
    return { ready: `${init.ready}/${total}`, status, ...restartsOf(pod.status.initContainerStatuses ?? []) }
  }
  const main = mainRow(pod, init.reason ?? pod.status.reason ?? pod.status.phase)
  const counted = [
    ...(pod.status.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)),
    ...(pod.status.containerStatuses ?? []),
  ]
  const status = isTerminating(pod) ? 'Terminating' : (pause ?? main.reason)
  return { ready: `${init.ready + main.ready}/${total}`, status, ...restartsOf(counted) }
}

interface Part {
  readonly ready: number
  readonly reason: string | undefined
}

/** The first init container that is not done tells the status. */
function initRow(pod: PodObject, sidecars: ReadonlySet<string>): Part {
  let ready = 0
  const statuses = pod.status.initContainerStatuses ?? []
  for (const [index, status] of statuses.entries()) {
    const { terminated, waiting } = status.state ?? {}
    if (terminated?.exitCode === 0) continue
    if (sidecars.has(status.name) && status.started === true) {
      if (status.ready) ready++
      continue
    }
    if (terminated) return { ready, reason: `Init:${terminated.reason || endOf(terminated)}` }
    if (waiting?.reason && waiting.reason !== 'PodInitializing') return { ready, reason: `Init:${waiting.reason}` }
    return { ready, reason: `Init:${index}/${statuses.length}` }
  }
  return { ready, reason: undefined }
}

function mainRow(pod: PodObject, start: string): { readonly ready: number; readonly reason: string } {
  let ready = 0
  let reason = start
  for (const status of (pod.status.containerStatuses ?? []).toReversed()) {
    const { terminated, waiting, running } = status.state ?? {}
    if (waiting?.reason) reason = waiting.reason
    else if (terminated) reason = terminated.reason || endOf(terminated)
    else if (status.ready && running) ready++
  }
  if (reason !== 'Completed' || ready === 0) return { ready, reason }
  const isReady = pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
  return { ready, reason: isReady ? 'Running' : 'NotReady' }
}

function endOf(terminated: { readonly exitCode: number; readonly signal?: number }): string {
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`
}

function isInitialized(pod: PodObject): boolean {
  return pod.status.conditions?.some(({ type, status }) => type === 'Initialized' && status === 'True') === true
}

function isTerminating(pod: PodObject): boolean {
  return pod.metadata.deletionTimestamp !== undefined && !/^(Succeeded|Failed)$/.test(pod.status.phase)
}

function restartsOf(statuses: readonly WireContainerStatus[]): Pick<PodRow, 'restarts' | 'lastRestart'> {
  const restarts = statuses.reduce((sum, status) => sum + status.restartCount, 0)
  const ends = statuses.map(status => status.lastState?.terminated?.finishedAt).filter(time => time !== undefined)
  const lastRestart = ends.sort().at(-1)
  return lastRestart === undefined || restarts === 0 ? { restarts } : { restarts, lastRestart }
}
