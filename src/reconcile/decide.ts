/**
 * The decision: which actions can be done *now* to bring what is there to what should be. Pure: the run loop observes,
 * decides, executes, and asks again until the answer is empty.
 */
import { RESTARTING_ALL } from '../plan/restart-policy.ts'
import type { MemberPlan, MemberRole, PodPlan } from '../plan/types.ts'
import type { Action } from './actions.ts'
import { decideNewSandbox } from './new-sandbox.ts'
import { ABSENT, type ObservedContainer, type ObservedPod } from './observed.ts'
import { type BackoffLimits, isOver, restartDueMs, restartsAll, retryDueMs } from './restart.ts'

/**
 * Brings one pod up; one that is stopped all but the start of its containers. `[]` when it is as it should be, or when it waits for something other than us. With a clock,
 * containers that ended are started again when that is due, and nothing is started of a pod that is over.
 */
export function decideUp(pod: ObservedPod, clock?: Clock): readonly Action[] {
  const { uid, plan } = pod
  const actions: Action[] = []
  if (clock?.isNew) {
    const retired = decideRestarts(pod, clock, 'sidecar')
    if (retired.length > 0) return retired
  } else if (clock) {
    if (isOver(pod)) return []
    if (pod.infra === 'dead') return decideNewSandbox(pod)
    const anew = decideRestartAll(pod, clock)
    if (anew.length > 0) return anew
    const retired = decideRestarts(pod, clock)
    if (retired.length > 0) return retired
  }
  // First, because it is another program's work: the rest is done while that runs. One with a user namespace of its own
  // finds its root file system in the pod's directories.
  if (pod.infra === 'absent' && (pod.sandbox === 'present' || !plan.userNamespace)) {
    actions.push({ kind: 'startInfra', uid })
  }
  if (pod.sandbox === 'absent' && !clock?.held?.sandbox) actions.push({ kind: 'makeSandbox', uid })
  for (const member of plan.members) {
    const action = decideMemberNow(pod, member, clock)
    if (action) actions.push(action)
  }
  // Last, because it is the kernel's work, for which this process waits: by now the other programs are under way.
  if (pod.infra === 'running' && pod.network === 'absent') actions.push({ kind: 'attachNetwork', uid })
  return actions
}

function decideMemberNow(pod: ObservedPod, member: MemberPlan, clock: Clock | undefined): Action | undefined {
  if (clock && isHeld(pod, member, clock)) return undefined
  const action = decideMember(pod, member)
  if (action?.kind !== 'startContainer') return action
  if (pod.stopped) return undefined
  return clock?.leavesHooks && member.container.lifecycle?.postStart ? { ...action, leavesHook: true } : action
}

export interface Clock {
  /** Milliseconds since 1970. */
  readonly nowMs: number
  readonly limits: BackoffLimits
  /** The pod is being made: only its sidecars are started again, because its init containers may need them. Default false. */
  readonly isNew?: boolean
  /** What must not be begun yet: its images are not there. Default nothing. */
  readonly held?: Held
  /** postStart hooks are not waited for. Default false. */
  readonly leavesHooks?: boolean
}

export interface Held {
  readonly containers: ReadonlySet<string>
  /** Volumes of the pod are made of images that are not there. */
  readonly sandbox: boolean
}

/** Not made yet, and its image or another try has to be waited for. */
function isHeld(pod: ObservedPod, { name }: MemberPlan, { nowMs, held }: Clock): boolean {
  const { state, lifecycle } = pod.containers[name] ?? ABSENT
  return state === 'absent' && (held?.containers.has(name) === true || (lifecycle?.retry?.atMs ?? 0) > nowMs)
}

/** The containers whose turn it is to be made and of which nothing is there yet: they need their images. */
export function decideImages(pod: ObservedPod, nowMs: number): readonly MemberPlan[] {
  if (isOver(pod)) return []
  return pod.plan.members.filter(member => {
    const { state, rootfs, lifecycle } = pod.containers[member.name] ?? ABSENT
    const isDue = (lifecycle?.retry?.atMs ?? 0) <= nowMs
    return state === 'absent' && rootfs === 'absent' && isDue && mayCreate(pod, member)
  })
}

/**
 * A container's rule has all of them begin anew: those that run are ended at once, without hooks, then all make way for
 * their next run. Source: Kubernetes' KEP-5532.
 */
function decideRestartAll(pod: ObservedPod, { nowMs, limits }: Clock): readonly Action[] {
  const { uid, plan, containers } = pod
  const isDue = plan.members.some(
    member => restartsAll(pod, member) && (restartDueMs(pod, member, limits) ?? Infinity) <= nowMs,
  )
  if (!isDue) return []
  const inState = (...states: readonly ObservedContainer['state'][]) =>
    plan.members.filter(({ name }) => states.includes(containers[name]?.state ?? 'absent'))
  const running = inState('running')
  if (running.length > 0)
    return running.map(({ name }) => ({ kind: 'killContainer', uid, container: name, graceSeconds: 0 }) as const)
  return inState('exited', 'broken')
    .filter(({ role }) => role !== 'ephemeral')
    .map(({ name }) => ({ kind: 'retireContainer', uid, container: name, all: true }) as const)
}

/** `only`: those of that role. */
function decideRestarts(pod: ObservedPod, clock: Clock, only?: MemberRole): readonly Action[] {
  return pod.plan.members
    .filter(member => {
      const due = restartDueMs(pod, member, clock.limits)
      return (only ?? member.role) === member.role && due !== undefined && due <= clock.nowMs
    })
    .map(member => ({ kind: 'retireContainer', uid: pod.uid, container: member.name }) as const)
}

/**
 * What is to be stopped of a pod that is over: everything when it failed as a whole or somebody stopped it, else its
 * sidecars, the last one first. Each may take the whole grace period. `grace` replaces the pod's own, in seconds.
 */
export function decideStops(pod: ObservedPod, grace?: number): readonly Action<'killContainer'>[] {
  if (!isOver(pod)) return []
  const { uid, plan } = pod
  const graceSeconds = grace ?? plan.terminationGracePeriodSeconds
  const running = stopOrder(pod)
  const isWhole = pod.failed || pod.stopped
  const names = isWhole ? running : running.filter(name => !isMain(plan, name))
  return names.map(container => ({ kind: 'killContainer', uid, container, graceSeconds }))
}

/**
 * What is taken away of a pod that is over once nothing of it runs: its namespaces, its address, its ports. Its logs and
 * files stay. Source: kubelet, SyncTerminatingPod.
 */
export function decideEnd(pod: ObservedPod): readonly Action[] {
  const { uid, plan, infra, network } = pod
  const runs = Object.values(pod.containers).some(({ state }) => state === 'running')
  if (pod.ended || pod.stopped || runs || !isOver(pod)) return []
  if (infra !== 'absent') return [{ kind: 'stopInfra', uid }]
  if (network === 'attached' && plan.network.mode !== 'host') return [{ kind: 'detachNetwork', uid }]
  return [{ kind: 'endPod', uid }]
}

function isMain({ members }: PodPlan, name: string): boolean {
  return members.some(member => member.name === name && (member.role === 'main' || member.role === 'init'))
}

/**
 * When the next container of the pod is to be started again, in milliseconds since 1970; `undefined`: none is. `only`: of
 * those of that role.
 */
export function nextDueMs(pod: ObservedPod, limits: BackoffLimits, only?: MemberRole): number | undefined {
  if (isOver(pod)) return undefined
  const due = pod.plan.members
    .filter(({ role }) => (only ?? role) === role)
    .flatMap(member => [restartDueMs(pod, member, limits), retryDueMs(pod.containers[member.name])])
    .filter(ms => ms !== undefined)
  return due.length === 0 ? undefined : Math.min(...due)
}

function decideMember(pod: ObservedPod, member: MemberPlan): Action | undefined {
  const { uid, plan } = pod
  const now = pod.containers[member.name] ?? ABSENT
  const args = { uid, container: member.name }
  if (now.state === 'absent') {
    // Its owners are seen through the user namespace that the infra container holds.
    if (now.rootfs === 'absent' && plan.userNamespace && pod.infra !== 'running') return undefined
    if (now.rootfs === 'absent') return { kind: 'mountRootfs', ...args }
    // While the infra container is being started, everything up to the joining of its namespaces is done.
    if (pod.sandbox === 'present' && pod.infra !== 'dead' && mayCreate(pod, member))
      return { kind: 'createContainer', ...args }
    return undefined
  }
  if (now.state === 'created' && pod.network === 'attached' && predecessorsDone(plan, pod, member)) {
    return { kind: 'startContainer', ...args }
  }
  return undefined
}

/** An init container's successors are not even created before it is done: their env and volumes may depend on its work. */
function mayCreate(pod: ObservedPod, member: MemberPlan): boolean {
  return predecessorsDone(pod.plan, pod, member)
}

/**
 * Init containers run in order, each to its end; a sidecar must have started before the next; the main containers
 * start when all those have. Source: Kubernetes documentation, "Init Containers" and "Sidecar Containers".
 */
function predecessorsDone(plan: PodPlan, pod: ObservedPod, member: MemberPlan): boolean {
  if (member.role === 'ephemeral' || isInitialized(pod)) return true
  for (const before of plan.members) {
    if (before.name === member.name) return true
    if (before.role === 'main') {
      if (member.role === 'main') continue
      return true
    }
    const state = pod.containers[before.name] ?? ABSENT
    if (before.role === 'sidecar' ? !hasStarted(state) : !(state.state === 'exited' && state.exitCode === 0))
      return false
  }
  return true
}

/** Its startup probe passed, or it has none. A sidecar that ended is started again before anything waits for it. */
function hasStarted(container: ObservedContainer): boolean {
  return container.state !== 'absent' && container.state !== 'created' && container.lifecycle?.started !== false
}

/**
 * Once a main container was made, the order is history: what is started again waits for nothing. When the whole pod
 * begins anew, so does the order.
 */
function isInitialized({ plan, containers }: ObservedPod): boolean {
  return plan.members.some(({ role, name }) => {
    const now = containers[name]
    if (role !== 'main' || now === undefined) return false
    const { last } = now.lifecycle ?? {}
    return now.state !== 'absent' || (last !== undefined && last.reason !== RESTARTING_ALL.reason)
  })
}

/**
 * Takes one pod away. Members get their stop signal all at once, sidecars after the main containers and in reverse
 * order; what only supports them goes when they are gone. `graceSeconds` replaces the pod's own grace period.
 */
export function decideDown(pod: ObservedPod, graceSeconds?: number): readonly Action[] {
  const { uid, plan } = pod
  const grace = graceSeconds ?? plan.terminationGracePeriodSeconds
  const actions: Action[] = []
  const stopping = stopOrder(pod)
  for (const name of stopping) actions.push({ kind: 'killContainer', uid, container: name, graceSeconds: grace })
  let left = false
  for (const [name, container] of Object.entries(pod.containers)) {
    if (container.state === 'running') left = true
    else if (container.state !== 'absent') {
      left = true
      actions.push({ kind: 'deleteContainer', uid, container: name })
    } else if (container.rootfs === 'mounted') {
      left = true
      actions.push({ kind: 'unmountRootfs', uid, container: name })
    }
  }
  if (left) return actions
  if (pod.infra !== 'absent') return [{ kind: 'stopInfra', uid }]
  if (pod.network === 'attached' && plan.network.mode !== 'host') return [{ kind: 'detachNetwork', uid }]
  if (pod.sandbox === 'present') return [{ kind: 'removeSandbox', uid }]
  return [{ kind: 'forgetPod', uid }]
}

/** The running containers whose turn it is to stop. */
function stopOrder(pod: ObservedPod): readonly string[] {
  const running = Object.keys(pod.containers).filter(name => pod.containers[name]?.state === 'running')
  const sidecars = pod.plan.members.filter(m => m.role === 'sidecar' && running.includes(m.name)).map(m => m.name)
  const others = running.filter(name => !sidecars.includes(name))
  return others.length > 0 ? others : sidecars.slice(-1)
}

/** What a set of plans means for the pods that are there. */
export interface PodChanges {
  readonly create: readonly PodPlan[]
  readonly remove: readonly ObservedPod[]
  /** As they should be, or on the way there. */
  readonly keep: readonly ObservedPod[]
}

/** Which pods to make, keep and remove: a changed pod is removed and made again under its old name. */
export function decidePods(plans: readonly PodPlan[], observed: readonly ObservedPod[]): PodChanges {
  const wanted = new Map(plans.map(plan => [podKey(plan), plan]))
  const create = new Map(wanted)
  const remove: ObservedPod[] = []
  const keep: ObservedPod[] = []
  for (const pod of observed) {
    const plan = wanted.get(podKey(pod.plan))
    // One that is over needs no infra container: a reboot takes nothing from it.
    if (plan && plan.hash === pod.plan.hash && !pod.removing && (pod.infra !== 'dead' || isOver(pod))) {
      keep.push(pod)
      create.delete(podKey(plan))
    } else remove.push(pod)
  }
  return { create: [...create.values()], remove, keep }
}

/** `namespace/name`: what identifies a pod to its user. */
export function podKey(pod: { readonly namespace: string; readonly name: string }): string {
  return `${pod.namespace}/${pod.name}`
}
