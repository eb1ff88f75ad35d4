/** Stopping pods, starting them again, and running their containers anew, whatever their restart policy says. */
import { KubeError } from '../diagnostic.ts'
import { sandboxFiles } from '../plan/sandbox-files.ts'
import { claimApp } from './claim.ts'
import { podFacts } from './container-facts.ts'
import type { DownOptions } from './down.ts'
import { observePod } from './observe.ts'
import type { Host, PodRecord } from './ports.ts'
import { beginRun, halt, keepUp, type Run } from './run-loop.ts'

/** The pods keep their names, addresses and volumes. Init containers are not run again. Stopped ones run afterwards. */
export async function restartPods(pods: readonly PodRecord[], options: DownOptions): Promise<void> {
  const { host } = options
  using _claims = await claimAll(pods, options)
  await host.runtime.prepare()
  const run = beginRun(options)
  await Promise.all(
    pods.map(async ({ uid }) => {
      const record = host.state.pod(uid)
      if (!record || record.removing) return
      requireStartable(host, record)
      await endContainers(run, record, options.graceSeconds)
      await runAnew(run, uid)
    }),
  )
  host.wakeSupervisor(pods)
}

/**
 * Ends the pods' containers. The pods stay, with their volumes, addresses and published ports, and nobody starts their
 * containers again but `startPods`. Of a pod that is over nothing is left to be stopped.
 */
export async function stopPods(pods: readonly PodRecord[], options: DownOptions): Promise<void> {
  const { host } = options
  using _claims = await claimAll(pods, options)
  const run = beginRun(options)
  const records = pods.map(({ uid }) => host.state.pod(uid)).filter(record => record && canStop(host, record))
  // All of them first: if this is killed, a supervisor or the same command finishes it.
  for (const record of records) host.state.setStopped(record!.uid, true)
  await Promise.all(
    records.map(async record => {
      await halt(run, host.state.pod(record!.uid)!, options.graceSeconds)
      forgetWaits(host, record!.uid)
    }),
  )
}

/** Whether its stop means anything: one that has ended for good stays what it is. */
function canStop(host: Host, record: PodRecord): boolean {
  if (record.removing || record.failure) return false
  return record.stopped === true || !hasEnded(host, record)
}

function hasEnded(host: Host, record: PodRecord): boolean {
  const { containers, plan } = observePod(host, record)
  const isRunning = Object.values(containers).some(({ state }) => state === 'running')
  if (isRunning || (plan.pod.spec?.restartPolicy ?? 'Always') === 'Always') return false
  const mains = plan.members.filter(({ role }) => role === 'main')
  return mains.every(({ name }) => containers[name]?.state === 'exited' && !isWaiting(record, name))
}

function isWaiting(record: PodRecord, name: string): boolean {
  return record.containers[name]?.lifecycle?.waiting !== undefined
}

/** A container that waited for its restart waits no more. */
function forgetWaits(host: Host, uid: string): void {
  for (const { name, attempt, lifecycle } of Object.values(host.state.pod(uid)?.containers ?? {})) {
    if (lifecycle?.waiting === undefined) continue
    const { waiting: _waiting, ...rest } = lifecycle
    host.state.setLifecycle(uid, name, attempt, rest)
  }
}

/**
 * Starts what has ended of the pods, whatever their restart policies; what runs goes on. Init containers that did their
 * work are not run again, others are.
 */
export async function startPods(pods: readonly PodRecord[], options: DownOptions): Promise<void> {
  using _claims = await claimAll(pods, options)
  await startClaimed(pods, options)
}

/** The same for one who holds the apps' claims already. */
export async function startClaimed(pods: readonly PodRecord[], options: DownOptions): Promise<void> {
  const { host } = options
  if (pods.length === 0) return
  await host.runtime.prepare()
  const run = beginRun(options)
  try {
    await Promise.all(
      pods.map(async ({ uid }) => {
        const record = host.state.pod(uid)
        if (!record || record.removing) return
        requireStartable(host, record)
        await runAnew(run, uid)
      }),
    )
  } finally {
    host.wakeSupervisor(pods)
  }
}

async function claimAll(pods: readonly PodRecord[], options: DownOptions): Promise<DisposableStack> {
  using claims = new DisposableStack()
  for (const app of [...new Set(pods.map(pod => pod.app))].sort())
    claims.use(await claimApp(options.host, app, options))
  return claims.move()
}

/** Fails with code `CannotStart`. */
function requireStartable(host: Host, record: PodRecord): void {
  const { plan, failure } = record
  const hint = 'playing its manifest again makes it anew'
  if (failure)
    throw new KubeError('CannotStart', `pod ${plan.name} has failed: ${failure.reason}: ${failure.message}`, { hint })
  if (plan.pod.spec?.restartPolicy === 'Never' && observePod(host, record).infra === 'dead')
    throw new KubeError('CannotStart', `pod ${plan.name} lost its namespaces, and its restartPolicy is Never`, { hint })
}

/** Stops the containers that ran, and makes way for their next runs. */
async function endContainers(run: Run, record: PodRecord, grace: number | undefined): Promise<void> {
  const { uid, plan } = record
  const graceSeconds = grace ?? plan.terminationGracePeriodSeconds
  const members = plan.members.filter(({ role }) => role === 'main' || role === 'sidecar')
  run.records.set(record)
  await Promise.all(
    members.map(async ({ name: container }) => {
      const { state } = observePod(run.host, run.records.get(uid)).containers[container] ?? {}
      if (state === 'running') await run.execute({ kind: 'killContainer', uid, container, graceSeconds })
    }),
  )
}

/** A pod that is over has given its address and its ports back. */
async function reviveEnded(host: Host, uid: string): Promise<void> {
  const { plan } = host.state.pod(uid)!
  for (const port of plan.ports) host.checkPortFree(plan, port)
  host.state.reviveEnded(uid)
  const record = host.state.pod(uid)!
  host.volumes.writeSandboxFiles(uid, sandboxFiles(plan, podFacts(host, record), host.machine))
  if (plan.network.mode !== 'bridge') return
  using _lock = await host.lock()
  await host.network.prepare()
  await host.network.publish()
}

/** Starts what does not run of a pod. */
async function runAnew(run: Run, uid: string): Promise<void> {
  const { host } = run
  host.state.setStopped(uid, false)
  if (host.state.pod(uid)?.ended) await reviveEnded(host, uid)
  const record = host.state.pod(uid)!
  run.records.set(record)
  const now = observePod(host, record)
  const ended = now.plan.members.filter(({ name, role }) => {
    const { state, exitCode } = now.containers[name] ?? {}
    if (record.containers[name]?.startedAt === undefined || role === 'ephemeral') return false
    return (state === 'exited' || state === 'broken') && !(role === 'init' && exitCode === 0)
  })
  // New namespaces have everything begin anew anyway.
  if (now.infra !== 'dead')
    await Promise.all(ended.map(({ name: container }) => run.execute({ kind: 'retireContainer', uid, container })))
  // Asked for, and no sign of a container that keeps failing: the next restart comes at once.
  for (const { name } of ended) {
    const known = host.state.container(uid, name)
    if (known?.lifecycle) host.state.setLifecycle(uid, name, known.attempt, { ...known.lifecycle, backoffMs: 0 })
  }
  await keepUp(run, host.state.pod(uid)!, host.backoff)
}
