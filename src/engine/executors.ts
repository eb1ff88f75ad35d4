/** How each action is done. The compiler checks that every kind has its executor. */
import { KubeError } from '../diagnostic.ts'
import { cgroupSettings } from '../plan/cgroup-settings.ts'
import { infraSpec, memberSpec } from '../plan/oci-spec.ts'
import { RESTARTING_ALL } from '../plan/restart-policy.ts'
import { sandboxFiles } from '../plan/sandbox-files.ts'
import type { MemberPlan } from '../plan/types.ts'
import type { Action, ActionKind } from '../reconcile/actions.ts'
import { NEW_LIFE } from '../reconcile/lifecycle.ts'
import { lifeAtStart, lifeBeforeHook, probesOf } from '../reconcile/probe.ts'
import { exitNeedsCare, nextBackoff, restartDelay } from '../reconcile/restart.ts'
import { containerFacts, pidOf, podFacts, userNamespace, volumeFiles } from './container-facts.ts'
import { recordEvent } from './events.ts'
import { waitForPostStart } from './hooks.ts'
import type { Host, PodRecord } from './ports.ts'
import { type PullLog, presentText, pulledText, pullingText } from './pull-log.ts'
import { stopContainer } from './stop-container.ts'
import { terminationOf } from './termination.ts'

/** The records of one run, kept in step with what is stored. Only this run changes them: it holds the app's claim. */
export interface RecordBook {
  /** What was pulled for the run's containers. */
  readonly pulls: PullLog | undefined
  /** Ends what the run may wait for without limit. */
  readonly signal: AbortSignal | undefined
  /** How long a postStart hook is waited for, in milliseconds. */
  readonly hookPatienceMs: number
  get(uid: string): PodRecord
  set(record: PodRecord): void
  /** Of each pod whose infra container this run started: whether it runs now. */
  readonly infraStarts: Map<string, Promise<boolean>>
}

export type Executors = {
  readonly [K in ActionKind]: (action: Action<K>, host: Host, records: RecordBook) => Promise<void>
}

export const EXECUTORS: Executors = {
  async makeSandbox({ uid }, host, records) {
    const record = records.get(uid)
    await host.volumes.makeSandbox(uid, record.plan, volumeFiles(host, record))
    host.volumes.writeSandboxFiles(uid, sandboxFiles(record.plan, podFacts(host, record), host.machine))
  },
  removeSandbox: ({ uid }, host) => host.volumes.removeSandbox(uid),
  async startInfra({ uid }, host, records) {
    const record = records.get(uid)
    const id = host.infraId(uid)
    const spec = infraSpec(record.plan, host.machine, podFacts(host, record), {
      ...host.infra,
      rootfs: host.volumes.infraRootfs(uid),
      id,
    })
    host.runtime.makeCgroup(host.cgroupPath(uid), cgroupSettings(record.plan.resources, host.machine.cgroupVersion))
    const { runtimeClass } = record.plan
    const { identity } = await host.runtime.startInfra(id, {
      uid,
      spec,
      ...(runtimeClass === undefined ? {} : { runtimeClass }),
    })
    host.state.setInfra(uid, identity)
    const started = { ...record, infra: identity }
    records.set(started)
    const users = userNamespace(host, started)
    if (users) host.volumes.mapVolumes(uid, record.plan, users)
  },
  async stopInfra({ uid }, host) {
    await host.runtime.stopInfra(host.infraId(uid))
    await host.runtime.removeCgroup(host.cgroupPath(uid))
  },
  async attachNetwork({ uid }, host, records) {
    const { infra, address } = records.get(uid)
    await host.network.attach(uid, pidOf(infra), address!)
  },
  detachNetwork: ({ uid }, host) => host.network.detach(uid),
  async mountRootfs({ uid, container }, host, records) {
    const record = records.get(uid)
    const member = memberOf(record, container)
    await host.volumes.mountRootfs(uid, record.plan, member, userNamespace(host, record))
  },
  unmountRootfs: ({ uid, container }, host) => host.volumes.unmountRootfs(uid, container),
  async createContainer({ uid, container }, host, records) {
    const record = records.get(uid)
    const member = memberOf(record, container)
    const image = host.images.find(member.image)
    if (!image) throw new KubeError('ImageNotFound', `image ${member.image} was removed in the meantime`)
    const attempt = record.containers[container]?.attempt ?? 0
    const id = host.containerId(uid, container, attempt)
    host.volumes.makeContainerFiles(uid, container)
    const facts = await containerFacts(host, record, member, image.config, { id, attempt })
    const spec = memberSpec(record.plan, member, image.config, host.machine, podFacts(host, record), facts)
    const ready = infraRuns(records, uid)
    // Where making it fails before that is asked for.
    ready.catch(() => {})
    const { identity } = await host.runtime.create(id, {
      uid,
      spec,
      ready,
      ...(record.plan.runtimeClass === undefined ? {} : { runtimeClass: record.plan.runtimeClass }),
      name: `${record.plan.name}-${container}`,
      logFile: host.logFile(uid, container, attempt),
      ...(record.plan.logging === undefined ? {} : { logging: record.plan.logging }),
      terminal: member.terminal,
      stdin: member.stdin,
      stdinOnce: member.stdinOnce,
      ...(exitNeedsCare(member) ? { onExit: host.exitCommand(uid, id) } : {}),
    })
    tellImage(host, records, record, member)
    recordEvent(host, record, container, 'Normal', 'Created', 'Container created')
    const lifecycle = records.get(uid).containers[container]?.lifecycle
    putContainer(host, records, uid, {
      id,
      name: container,
      attempt,
      imageId: image.id,
      user: { uid: facts.user.uid, gid: facts.user.gid, supplementalGroups: facts.user.additionalGids },
      createdAt: host.now(),
      process: identity,
      ...(lifecycle === undefined ? {} : { lifecycle }),
    })
  },
  async deleteContainer({ uid, container }, host, records) {
    await host.runtime.remove(containerIdOf(host, records.get(uid), container))
  },
  async startContainer({ uid, container, leavesHook }, host, records) {
    const record = records.get(uid)
    const known = record.containers[container]!
    const member = memberOf(record, container)
    await host.runtime.start(known.id)
    const running = { ...known, startedAt: host.now() }
    const hasHook = member.container.lifecycle?.postStart !== undefined
    // Written before the hook runs: a command that dies meanwhile must not leave a running container that looks unstarted.
    if (hasHook)
      putContainer(host, records, uid, { ...running, lifecycle: lifeBeforeHook(known.lifecycle ?? NEW_LIFE) })
    recordEvent(host, record, container, 'Normal', 'Started', 'Container started')
    if (leavesHook) return
    const { signal, hookPatienceMs: patienceMs } = records
    if (!(await waitForPostStart(host, records.get(uid), member, { containerId: known.id, signal, patienceMs }))) return
    const lifecycle = lifeAtStart(known.lifecycle ?? NEW_LIFE, probesOf(member.container))
    putContainer(host, records, uid, { ...running, lifecycle })
  },
  async killContainer({ uid, container, graceSeconds, message }, host, records) {
    const record = records.get(uid)
    const why = message === undefined ? {} : { message }
    await stopContainer(host, record, memberOf(record, container), { graceSeconds, ...why })
  },
  async retireContainer({ uid, container, all }, host, records) {
    const record = records.get(uid)
    const known = record.containers[container]!
    const end = terminationOf(host, record, memberOf(record, container))
    const last = all ? { ...end, ...RESTARTING_ALL } : end
    const before = known.lifecycle ?? NEW_LIFE
    // Whoever looks meanwhile, or goes on after a kill, would find a container that is gone without a trace.
    putContainer(host, records, uid, { ...known, lifecycle: { ...before, end } })
    const removed = host.runtime.remove(known.id)
    // A process that waits for a start that failed is ended by that; one that has ended has no use for its files.
    if (end.reason === 'StartError') await removed
    await Promise.all([removed, host.volumes.unmountRootfs(uid, container)])
    // The log of the run that just ended is kept for `kube logs --previous`; who crashes in a circle must not fill the disk.
    if (known.attempt > 0) host.removeLog(uid, container, known.attempt - 1)
    const isStarted = last.reason !== 'StartError'
    const ranMs = isStarted ? Date.parse(last.finishedAt) - Date.parse(last.startedAt) : 0
    // What started and yet never became the command failed unseen.
    if (!isStarted && known.startedAt !== undefined)
      recordEvent(host, record, container, 'Warning', 'Failed', `Error: ${last.message ?? ''}`)
    const { waiting, end: _end, retry: _retry, hook: _hook, ...rest } = before
    const attempt = known.attempt + 1
    const { process: _process, startedAt: _startedAt, ...kept } = known
    putContainer(host, records, uid, {
      ...kept,
      id: host.containerId(uid, container, attempt),
      attempt,
      lifecycle: {
        ...rest,
        // Told until it is started: see `lastRun`.
        ...(waiting === undefined || all ? {} : { waiting }),
        last,
        started: false,
        ready: false,
        probes: {},
        backoffMs: nextBackoff(restartDelay(before.backoffMs, ranMs, host.backoff), host.backoff),
      },
    })
  },
  async endPod({ uid }, host, records) {
    host.state.endPod(uid)
    records.set(host.state.pod(uid)!)
    if (records.get(uid).plan.ports.length === 0) return
    using _lock = await host.lock()
    await host.network.publish()
  },
  async forgetPod({ uid }, host) {
    // Made before the infra container: a run that was killed in between left it alone.
    await host.runtime.removeCgroup(host.cgroupPath(uid))
    host.state.removePod(uid)
  },
}

/** Fails when the infra container could not be started. */
async function infraRuns({ infraStarts }: RecordBook, uid: string): Promise<void> {
  if ((await infraStarts.get(uid)) === false)
    throw new KubeError('NoInfraContainer', 'the infra container of the pod does not run')
}

/** Runs any action by the table. */
export function execute(action: Action, host: Host, records: RecordBook): Promise<void> {
  const executor = EXECUTORS[action.kind] as (action: Action, host: Host, records: RecordBook) => Promise<void>
  return executor(action, host, records)
}

function putContainer(host: Host, records: RecordBook, uid: string, container: PodRecord['containers'][string]): void {
  host.state.putContainer(uid, container)
  // Read again: another container of the pod may have been written since.
  const record = records.get(uid)
  records.set({ ...record, containers: { ...record.containers, [container.name]: container } })
}

function memberOf(record: PodRecord, name: string): MemberPlan {
  const member = record.plan.members.find(m => m.name === name)
  if (!member) throw new KubeError('NoSuchContainer', `pod ${record.plan.name} has no container ${name}`)
  return member
}

function containerIdOf(host: Host, record: PodRecord, container: string): string {
  return record.containers[container]?.id ?? host.containerId(record.uid, container, 0)
}

/** Where its image came from. */
function tellImage(host: Host, { pulls }: RecordBook, record: PodRecord, member: MemberPlan): void {
  const { name, image } = member
  const outcome = pulls?.take(record, member)
  if (outcome === 'told') return
  if (outcome) recordEvent(host, record, name, 'Normal', 'Pulling', pullingText(image))
  const text = outcome ? pulledText(image, outcome) : presentText(image)
  recordEvent(host, record, name, 'Normal', 'Pulled', text)
}
