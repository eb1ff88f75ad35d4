/** `kube delete`: takes single objects away, with the pods they made. */
import { KubeError } from '../diagnostic.ts'
import { deleteObjects } from '../engine/delete.ts'
import type { ObjectRecord, PodRecord } from '../engine/ports.ts'
import type { WireObject } from '../status/wire.ts'
import { isWorkload } from '../workloads/decide.ts'
import type { Context } from './context.ts'
import { type GetOptions, requestsOf, select } from './get.ts'
import type { RealHost } from './host.ts'
import { renderError } from './render.ts'
import { qualifiedName } from './resources.ts'
import { readWorld } from './world.ts'

export interface DeleteOptions extends GetOptions {
  readonly all?: boolean
  readonly gracePeriod?: number
  readonly force?: boolean
  readonly now?: boolean
  readonly wait?: string | boolean
  /** What becomes of what the objects made. `false` is kubectl's old word for `orphan`, `true` for `background`. */
  readonly cascade?: 'background' | 'foreground' | 'orphan' | 'true' | 'false'
}

/** Seconds of `--now`. Source: kubectl delete. */
const NOW_SECONDS = 1

export async function runDelete(
  [resources]: [readonly string[]],
  options: DeleteOptions,
  context: Context,
): Promise<number> {
  const { io } = context
  const requests = await requestsOf(resources, options, context)
  const isChosen = requests.some(({ name }) => name !== undefined)
  if (!isChosen && !options.all && options.selector === undefined && options.fieldSelector === undefined) {
    throw new KubeError('Usage', 'resource(s) were provided, but no name was specified', {
      exitStatus: 2,
      hint: 'give names, -l SELECTOR or --all',
    })
  }
  const host = await context.host()
  const { objects, missing } = select(readWorld(host), requests, options)
  const { records, pods } = recordsOf(host, objects)
  refuseMadeClaims(objects, records)
  if (options.cascade === 'orphan' || options.cascade === 'false') refuseOrphans(objects)
  const graceSeconds = graceOf(options)
  const waits = options.wait !== false && options.wait !== 'false'
  if (waits) {
    await deleteObjects(
      { objects: records, pods },
      {
        host,
        signal: context.signal,
        ...(graceSeconds === undefined ? {} : { graceSeconds }),
        onWait: pid => io.err(`waiting for another kube (pid ${pid})\n`),
      },
    )
  } else if (objects.length > 0) {
    for (const pod of pods) host.state.markRemoving(pod.uid)
    await context.detach(detachedArguments(objects, graceSeconds))
  }
  tell(objects, options, context)
  if (options.ignoreNotFound) return 0
  for (const error of missing) io.err(renderError(io, error))
  return missing.length > 0 ? 1 : 0
}

/** Undefined: each pod's own. */
function graceOf({ gracePeriod, force, now }: DeleteOptions): number | undefined {
  if (gracePeriod !== undefined) return gracePeriod
  if (force) return 0
  return now ? NOW_SECONDS : undefined
}

interface Records {
  readonly records: readonly ObjectRecord[]
  readonly pods: readonly PodRecord[]
}

/** What is recorded of the objects, and the pods that they are or made. */
function recordsOf(host: RealHost, objects: readonly WireObject[]): Records {
  const uids = new Set(objects.map(({ metadata }) => metadata.uid))
  const records = host.state.objects({ made: true })
  const chosen = records.filter(object => uids.has(object.uid) || objects.some(other => isPodRecord(other, object)))
  const names = new Set(chosen.map(nameOf))
  const pods = host.state.pods().filter(pod => {
    const { owner, namespace } = pod.plan
    if (uids.has(pod.uid)) return true
    if (pod.plan.pod.metadata?.ownerReferences?.some(reference => isReplicaSet(reference, namespace, objects)))
      return true
    return owner !== undefined && names.has(nameOf({ ...owner, namespace }))
  })
  return { records: chosen, pods }
}

/** A Pod's own record has another uid than the pod that was made from it. */
function isPodRecord({ kind, metadata }: WireObject, record: ObjectRecord): boolean {
  return kind === 'Pod' && record.kind === 'Pod' && nameOf(record) === nameOf({ kind, ...metadata })
}

function isReplicaSet(
  owner: { readonly kind: string; readonly name: string },
  namespace: string,
  objects: readonly WireObject[],
): boolean {
  return objects.some(
    ({ kind, metadata }) =>
      kind === 'ReplicaSet' && owner.kind === kind && owner.name === metadata.name && metadata.namespace === namespace,
  )
}

/** They are no objects of anybody's, and what is in them may be worth keeping. */
function refuseMadeClaims(objects: readonly WireObject[], records: readonly ObjectRecord[]): void {
  const known = new Set(records.map(({ uid }) => uid))
  const made = objects.find(({ kind, metadata }) => kind === 'PersistentVolumeClaim' && !known.has(metadata.uid ?? ''))
  if (!made) return
  const { name, namespace } = made.metadata
  throw new KubeError('ClaimOfWorkload', `persistentvolumeclaim ${name} was made for a pod, not from a manifest`, {
    hint: `\`kube volume rm ${namespace === 'default' ? '' : `-n ${namespace} `}${name}\` removes it with all that is in it`,
  })
}

/** The record of a pod names who made it, and a pod whose maker is gone is taken away. */
function refuseOrphans(objects: readonly WireObject[]): void {
  const maker = objects.find(({ kind }) => isWorkload(kind))
  if (!maker) return
  const title = `${qualifiedName(maker)}/${maker.metadata.name}`
  throw new KubeError('OrphanNotSupported', `--cascade=orphan: ${title} cannot be deleted without what it made`, {
    exitStatus: 2,
    hint: `\`kube generate --type pod ${title}\` prints pods that can be played by themselves`,
  })
}

function nameOf(object: { readonly kind: string; readonly namespace?: string; readonly name: string }): string {
  return `${object.kind}/${object.namespace ?? ''}/${object.name}`
}

/** The same deletion for a process that nobody waits for. */
function detachedArguments(objects: readonly WireObject[], graceSeconds: number | undefined): readonly string[][] {
  const groups = Map.groupBy(objects, ({ metadata }) => metadata.namespace ?? 'default')
  const grace = graceSeconds === undefined ? [] : ['--grace-period', String(graceSeconds)]
  return [...groups].map(([namespace, members]) => [
    'delete',
    '--namespace',
    namespace,
    '--ignore-not-found',
    ...grace,
    ...members.map(({ kind, metadata }) => `${kind}/${metadata.name}`),
  ])
}

function tell(objects: readonly WireObject[], options: DeleteOptions, { io }: Context): void {
  for (const object of objects) {
    const type = qualifiedName(object)
    if (options.output === 'name') io.out(`${type}/${object.metadata.name}\n`)
    else io.out(`${type} "${object.metadata.name}" ${options.force ? 'force deleted' : 'deleted'}\n`)
  }
}
