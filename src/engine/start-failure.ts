/** Noting why a container that should run does not, for its status, and telling it as an event in the kubelet's words. */
import { causeChain, KubeError } from '../diagnostic.ts'
import type { MemberPlan } from '../plan/types.ts'
import { type ContainerLifecycle, NEW_LIFE } from '../reconcile/lifecycle.ts'
import { ABSENT, type ObservedContainer } from '../reconcile/observed.ts'
import { runsAgain } from '../reconcile/restart.ts'
import { recordEvent } from './events.ts'
import { START_ERROR_STATUS } from './exec-failure.ts'
import type { ContainerRecord, Host, PodRecord } from './ports.ts'
import type { OnFailure, Run } from './run-loop.ts'
import { NEVER_STARTED } from './termination.ts'

/** Failures of the runtime that a container counts as a run for. */
const START_ERRORS: ReadonlySet<string> = new Set(['CommandNotFound', 'CommandNotExecutable'])
/** What is wrong with the manifest, the image, or what a volume holds. Source: kubelet, generateContainerConfig. */
const CONFIG_ERRORS: ReadonlySet<string> = new Set([
  'CreateContainerConfigError',
  'InvalidEnvFile',
  'InvalidFieldPath',
  'KeyNotFound',
  'NoSuchUser',
  'RunAsNonRoot',
  'SubPathEscapes',
  'SubPathFailed',
])

/**
 * A container that can't be started waits for another try, and the others of its pod go on; what is the pod's own
 * fails the run. For a pod that is up: one that is being made fails as a whole.
 */
export function tolerate(run: Run, record: PodRecord): OnFailure {
  return async (pod, action, error) => {
    if (run.signal?.aborted) return undefined
    if (action.kind === 'makeSandbox') tellMount(run.host, record, error)
    if (action.kind === 'startInfra' || action.kind === 'attachNetwork') tellSandbox(run.host, record, error)
    if (action.kind !== 'mountRootfs' && action.kind !== 'createContainer' && action.kind !== 'startContainer')
      return undefined
    // The infra container's failure tells more.
    if (codeOf(error) === 'NoInfraContainer') return undefined
    const member = pod.plan.members.find(({ name }) => name === action.container)!
    const now = pod.containers[member.name] ?? ABSENT
    const after =
      action.kind === 'startContainer' || START_ERRORS.has(codeOf(error))
        ? noteStartError(run, record, member, error)
        : await noteCreateError(run, record, member, error)
    return { ...pod, containers: { ...pod.containers, [member.name]: { ...now, ...after } } }
  }
}

/** Its command could not be started: that counts as a run of it, which ended at once. */
function noteStartError(run: Run, record: PodRecord, member: MemberPlan, error: unknown): Partial<ObservedContainer> {
  const { host } = run
  const message = wordsOf(error)
  const finishedAt = host.now()
  const known = knownOf(host, record, member)
  const exitCode = START_ERROR_STATUS
  const again = runsAgain(record.plan, member, exitCode)
  const { waiting: _waiting, ...before } = known.lifecycle ?? NEW_LIFE
  const lifecycle: ContainerLifecycle = {
    ...before,
    end: { id: known.id, exitCode, startedAt: NEVER_STARTED, finishedAt, reason: 'StartError', message },
    ...(again ? { waiting: { reason: 'RunContainerError', message } } : {}),
  }
  remember(run, record, { ...known, lifecycle })
  recordEvent(host, record, member.name, 'Warning', 'Failed', `Error: ${message}`)
  return { state: 'exited', exitCode, finishedAt, startError: message, lifecycle }
}

/** It could not be made: nothing of it has run, and it is tried again after the kubelet's pause. */
async function noteCreateError(
  run: Run,
  record: PodRecord,
  member: MemberPlan,
  error: unknown,
): Promise<Partial<ObservedContainer>> {
  const { host } = run
  const known = knownOf(host, record, member)
  const reason = CONFIG_ERRORS.has(codeOf(error)) ? 'CreateContainerConfigError' : 'CreateContainerError'
  // What is left of it would look like a container that ended.
  await host.runtime.remove(known.id)
  const lifecycle = waitingLife(host, known, { reason, message: wordsOf(error) }, host.backoff.initialMs)
  remember(run, record, { ...known, lifecycle })
  recordEvent(host, record, member.name, 'Warning', 'Failed', `Error: ${lifecycle.waiting!.message}`)
  return { state: 'absent', lifecycle }
}

/** Notes that a container waits, and for how long; nothing of it has to be recorded yet. */
export function noteWaiting(
  host: Host,
  record: PodRecord,
  member: MemberPlan,
  waiting: { readonly reason: string; readonly message: string },
  delayMs: number,
): void {
  const known = knownOf(host, record, member)
  host.state.putContainer(record.uid, { ...known, lifecycle: waitingLife(host, known, waiting, delayMs) })
}

function waitingLife(
  host: Host,
  { lifecycle = NEW_LIFE }: ContainerRecord,
  waiting: NonNullable<ContainerLifecycle['waiting']>,
  delayMs: number,
): ContainerLifecycle {
  return { ...lifecycle, waiting, retry: { atMs: Date.parse(host.now()) + delayMs, delayMs } }
}

/** As it is recorded now: another container of the pod may have been written since. */
function knownOf(host: Host, { uid }: PodRecord, { name }: MemberPlan): ContainerRecord {
  const id = host.containerId(uid, name, 0)
  return host.state.container(uid, name) ?? { id, name, attempt: 0, imageId: '', createdAt: host.now() }
}

function remember({ host, records }: Run, { uid }: PodRecord, container: ContainerRecord): void {
  host.state.putContainer(uid, container)
  const record = records.get(uid)
  records.set({ ...record, containers: { ...record.containers, [container.name]: container } })
}

/** Source: kubelet, operation_generator.go, and volume plugins below it. */
function tellMount(host: Host, record: PodRecord, error: unknown): void {
  const cause = error instanceof Error ? error.cause : undefined
  const [volume, why] = cause instanceof Error ? [cause.message, causeChain(cause.cause)] : ['volumes', wordsOf(error)]
  recordEvent(host, record, undefined, 'Warning', 'FailedMount', `MountVolume.SetUp failed for ${volume} : ${why}`)
}

/** Source: kubelet, kuberuntime_manager.go SyncPod. */
function tellSandbox(host: Host, record: PodRecord, error: unknown): void {
  const message = `Failed to create pod sandbox: ${wordsOf(error)}`
  recordEvent(host, record, undefined, 'Warning', 'FailedCreatePodSandBox', message)
}

function codeOf(error: unknown): string {
  return error instanceof KubeError ? error.code : ''
}

/** Without the step and its object, which the event names by itself. */
function wordsOf(error: unknown): string {
  return causeChain(error instanceof Error ? (error.cause ?? error) : error)
}
