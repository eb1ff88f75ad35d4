/** Playing: brings an app to what its manifests say. */
import { causeChain, KubeError } from '../diagnostic.ts'
import type { IdleImage } from '../plan/plan-app.ts'
import type { PodPlan } from '../plan/types.ts'
import { decidePods, nextDueMs, podKey } from '../reconcile/decide.ts'
import { KUBELET_BACKOFF } from '../reconcile/restart.ts'
import { isWorkload } from '../workloads/decide.ts'
import { checkClaims } from './check-claims.ts'
import { claimApp } from './claim.ts'
import { doomClaimsOf, settleDoomedClaims } from './doomed-claims.ts'
import { beginRemoval, sweep } from './down.ts'
import { ensureImages, type LackingImage, tellIdle } from './ensure-images.ts'
import { carryOver, type Handover, handOver, keyOf, leftToOthers, predecessors } from './handover.ts'
import { observePod } from './observe.ts'
import type { Host, ObjectRecord, PodRecord, RegistrySettings } from './ports.ts'
import { sharedPulls } from './pull-log.ts'
import { halfDonePods, recover } from './recover.ts'
import { startClaimed } from './restart-pods.ts'
import { type RollbackReport, rollback } from './rollback.ts'
import { beginRun, bringUp, type Run, type RunOptions, takeDown } from './run-loop.ts'
import { updateFiles } from './update-files.ts'
import { updateMetadata } from './update-metadata.ts'
import { needsController } from './workload-world.ts'
import { recordWorkloads } from './workloads.ts'

export interface PlayRequest {
  readonly app: string
  /** Absolute path of the manifest or directory, a URL, or `-`. */
  readonly source: string
  readonly objects: readonly Omit<ObjectRecord, 'app' | 'uid' | 'createdAt'>[]
  readonly plans: readonly PodPlan[]
  /** Pods that will be made later, by the jobs of CronJobs: their images are pulled now, if they can be had. Default none. */
  readonly later?: readonly PodPlan[]
  /** Images of objects that make no pod as they are: that they are not there is told. Default none. */
  readonly idle?: readonly IdleImage[]
  /** Removes and makes again what did not change, too. */
  readonly replace?: boolean
  /** `false`: new pods are made, and their containers created, but nothing is started. Default true. */
  readonly start?: boolean
}

/** How long init containers are waited for: most end soon, and who comes next may count on their pod. */
const INIT_PATIENCE_MS = 20_000

export interface PlayOptions extends RunOptions {
  /** Milliseconds that init containers are waited for; what runs longer is left to the supervisor. Default 20 s. */
  readonly initPatienceMs?: number
  readonly onWait?: (pid: number) => void
  readonly onPull?: (image: string) => void
  /** Told of each image that is not there and not needed now. */
  readonly onLacking?: (lacking: LackingImage) => void
  /** How the registries are asked, but for what the pods' imagePullSecrets say. */
  readonly registry?: RegistrySettings
}

export interface PlayResult {
  /** The app's objects as they were before, once the app was this command's. */
  readonly previous: readonly ObjectRecord[]
  /** As they are now: what the manifests say, and what the old ones had that no manifest speaks of. */
  readonly current: readonly ObjectRecord[]
  readonly created: readonly PodRecord[]
  readonly unchanged: readonly PodRecord[]
  /** uids of those among the unchanged that were stopped, and run again. */
  readonly started: ReadonlySet<string>
  /** Pods that were made again under their old name. */
  readonly replaced: readonly string[]
  /** Pods that left the manifest. */
  readonly pruned: readonly string[]
}

/**
 * Everything is checked, planned and pulled before the first thing is removed or made. When making fails, what this run
 * made is undone, and the error says so.
 */
export async function play(request: PlayRequest, options: PlayOptions): Promise<PlayResult> {
  const { host } = options
  const { app } = request
  requireRights(host)
  using _claim = await claimApp(host, app, options)
  await recover(host, halfDonePods(host), app)
  const before = host.state.pods({ app })
  const previous = host.state.objects({ app })
  const handover = handOver(host, { ...request, replace: request.replace === true, previous, before })
  const { plans } = handover
  const changes = decidePods(
    plans,
    handover.pods.map(record => ({
      ...observePod(host, record),
      removing: record.removing || request.replace === true || isRenewed(record, handover),
    })),
  )
  const coming = [...changes.create, ...handover.later]
  const { later = [], idle = [] } = request
  for (const { runtimeClass } of [...coming, ...later])
    if (runtimeClass !== undefined) host.runtime.requireRuntime(runtimeClass)
  const pulled = await ensureImages(host, coming, { ...options, later })
  if (options.onLacking) tellIdle(host, idle, options.onLacking)
  const leaving = new Set(changes.remove.map(pod => pod.uid))
  host.state.checkPods(changes.create, leaving)
  checkHostPorts(host, changes.create)
  checkClaims(host, changes.create, leaving)

  const abort = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, abort.signal]) : abort.signal
  const run = beginRun({ ...options, signal, pulls: sharedPulls(pulled) })
  const byUid = new Map(before.map(record => [record.uid, record]))
  if (changes.remove.length > 0) {
    for (const uid of leaving) beginRemoval(host, uid)
    await Promise.all(changes.remove.map(pod => takeDown(run, byUid.get(pod.uid)!)))
  }
  await settleDoomedClaims(host)
  const createdAt = host.now()
  const isNew = host.state.app(app) === undefined
  host.state.putApp({ name: app, source: request.source, createdAt })
  const made = changes.create.map(plan => ({ uid: host.newUid(), plan }))
  const current = keepIdentity(host, request, previous, { now: createdAt, renewed: handover.renewed })
  try {
    host.state.checkObjects(current)
    host.state.addPods(app, made)
    if (request.start === false) for (const { uid } of made) host.state.setStopped(uid, true)
    await makeAll(
      run,
      abort,
      made.map(({ uid, plan }) => ({ ...host.state.pod(uid)!, plan })),
      {
        objects: request.objects,
        initPatienceMs: options.initPatienceMs ?? INIT_PATIENCE_MS,
        // They can be large, and nobody asks for them as long as this run has the app: the first containers start meanwhile.
        meanwhile: () => host.state.putObjects(app, current),
      },
    )
    host.state.markBuilt(app)
    if (current.some(({ kind }) => isWorkload(kind))) recordWorkloads(host, app)
  } catch (error) {
    const report = await rollback(
      run,
      made.map(({ uid }) => uid).filter(uid => host.state.pod(uid) !== undefined),
    )
    if (isNew && host.state.pods({ app }).length === 0) host.state.removeApp(app)
    else host.state.putObjects(app, previous)
    // What is left of the network is the next command's; what went wrong here first is what the user has to know.
    await sweep(host).catch(() => {})
    throw withRollback(error, report, made.length)
  }
  await repairNetwork(
    host,
    changes.keep.map(pod => pod.uid),
  )
  updateFiles(host, previous, current, new Set(made.map(({ uid }) => uid)))
  updateMetadata(
    host,
    changes.keep.map(pod => pod.uid),
    plans,
  )
  const kept = new Set(current.map(keyOf))
  doomClaimsOf(
    host,
    previous.filter(object => !kept.has(keyOf(object))),
  )
  if (changes.remove.length > 0 || host.state.hasDoomedClaims()) await sweep(host)
  const paused = [...changes.keep.map(pod => byUid.get(pod.uid)!), ...handover.kept].filter(({ stopped }) => stopped)
  const again = request.start === false ? [] : paused
  await startClaimed(again, options)
  const wanted = new Set(plans.map(podKey))
  const created = made.map(({ uid }) => host.state.pod(uid)!)
  // A container whose monitor was killed ended without telling anyone; one that ended while its pod was being made may have
  // told a supervisor that had to leave it alone.
  const present = [...changes.keep, ...created.map(record => observePod(host, record))]
  const isDue = present.some(pod => nextDueMs(pod, KUBELET_BACKOFF) !== undefined)
  host.wakeSupervisor(isDue || needsController(host, app) ? 'always' : created)
  const gone = changes.remove.map(pod => podKey(pod.plan))
  return {
    previous,
    current,
    created,
    started: new Set(again.map(({ uid }) => uid)),
    unchanged: [...changes.keep.map(pod => byUid.get(pod.uid)!), ...handover.kept],
    replaced: gone.filter(key => wanted.has(key)),
    pruned: gone.filter(key => !wanted.has(key)),
  }
}

/** Other programs restart the firewall or remove links: a second play has the pods that stay reached again. */
async function repairNetwork(host: Host, uids: readonly string[]): Promise<void> {
  const bridged = uids.filter(uid => host.state.pod(uid)?.plan.network.mode === 'bridge')
  if (bridged.length === 0) return
  using _lock = await host.lock()
  await host.network.repair(bridged)
}

interface Making extends Pick<PlayRequest, 'objects'> {
  readonly initPatienceMs: number
  /** Called once, when the first containers are being started. */
  readonly meanwhile: () => void
}

/** Makes the pods side by side. One's failure ends the others too, since they would only be undone. */
async function makeAll(
  run: Run,
  abort: AbortController,
  records: readonly PodRecord[],
  { objects, initPatienceMs, meanwhile }: Making,
): Promise<void> {
  const { host } = run
  let failure: { readonly error: unknown } | undefined
  const note = (error: unknown) => {
    failure ??= { error }
    abort.abort()
  }
  // The pods are recorded by now, so that no other command takes away what is prepared for them.
  const lock = await host.lock()
  try {
    await host.runtime.prepare()
  } catch (error) {
    note(error)
  }
  // Waits for all of them, so that nothing is still being made when the undoing begins.
  const before = predecessors(records, objects)
  const awaited = new Set(before.values())
  const up = new Map<string, Promise<unknown>>()
  for (const record of records) {
    const predecessor = up.get(before.get(record.uid) ?? '') ?? Promise.resolve()
    const patienceMs = awaited.has(record.uid) ? Infinity : initPatienceMs
    up.set(record.uid, predecessor.then(() => bringUp(run, record, patienceMs)).catch(note))
  }
  // The first infra containers are being started meanwhile.
  const shared = prepareNetwork(host, records)
    .finally(() => lock[Symbol.dispose]())
    .then(meanwhile)
    .catch(note)
  await Promise.all([shared, ...up.values()])
  if (failure) throw failure.error
}

async function prepareNetwork(host: Host, records: readonly PodRecord[]): Promise<void> {
  if (!records.some(record => record.plan.network.mode === 'bridge')) return
  // By the next event, what was begun before waits for other programs.
  await new Promise<void>(resolve => setImmediate(resolve))
  await host.network.prepare()
  await host.network.publish()
}

function isRenewed({ plan }: PodRecord, { renewed }: Handover): boolean {
  return plan.owner !== undefined && renewed.has(keyOf({ ...plan.owner, namespace: plan.namespace }))
}

interface Identities {
  readonly now: string
  readonly renewed: ReadonlySet<string>
}

/** Objects keep uid and creation time over a re-play, unless they begin anew. */
function keepIdentity(
  host: Host,
  request: PlayRequest,
  previous: readonly ObjectRecord[],
  { now, renewed }: Identities,
): readonly ObjectRecord[] {
  const known = new Map(previous.map(object => [keyOf(object), object]))
  return request.objects.map(object => {
    const key = keyOf(object)
    const old = renewed.has(key) ? undefined : known.get(key)
    return {
      ...object,
      value: carryOver(object.value, old),
      ...leftToOthers(object),
      app: request.app,
      uid: old?.uid ?? host.newUid(),
      createdAt: old?.createdAt ?? now,
    }
  })
}

/** Mounts and namespaces are for root: told at once, not after a pull. */
function requireRights({ machine }: Host): void {
  if (machine.capabilities === undefined || machine.capabilities.includes('SYS_ADMIN')) return
  throw new KubeError('NotPermitted', 'running pods takes the rights of root (CAP_SYS_ADMIN)', {
    hint: 'run it with sudo; validate, plan and explain need no rights',
  })
}

function checkHostPorts(host: Host, plans: readonly PodPlan[]): void {
  for (const plan of plans) for (const port of plan.ports) host.checkPortFree(plan, port)
}

/** The failure with what became of the run: the cause first, then each undoing that failed. */
function withRollback(error: unknown, report: RollbackReport, pods: number): KubeError {
  const notes = [
    ...(report.undone > 0 ? [`rolled back ${pods} ${pods === 1 ? 'pod' : 'pods'}`] : []),
    ...report.failed.map(text => `could not undo: ${text}`),
  ]
  if (!(error instanceof KubeError)) return new KubeError('Failed', causeChain(error), { cause: error, notes })
  const { code, message, cause, exitStatus } = error
  return new KubeError(code, message, {
    cause,
    exitStatus,
    notes,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  })
}
