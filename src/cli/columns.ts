/** What each kind shows in a table. Source: kubernetes pkg/printers/internalversion/printers.go. */

import type { EventObject } from '../status/event-object.ts'
import type { PodObject } from '../status/pod-object.ts'
import { podRow } from '../status/pod-row.ts'
import type { WireObject } from '../status/wire.ts'
import { findValues, valueText } from './jsonpath.ts'
import { age } from './render.ts'

export interface Column {
  readonly title: string
  /** Only with `-o wide`. */
  readonly isWide?: true
  /** A longer cell does not widen the column: one of many would push all others aside. Default: no limit. */
  readonly most?: number
  readonly cell: (object: WireObject, nowMs: number) => string
}

const NONE = '<none>'
const UNKNOWN = '<unknown>'

/** The columns of a kind; name and age for one that has no others. */
export function columnsOf(kind: string): readonly Column[] {
  return TABLES[kind] ?? [NAME, AGE]
}

/** The text at a path, the values joined with commas; `missing` when there are none. */
function at(object: object, path: string, missing = NONE): string {
  const text = findValues(path, object).map(valueText).join(',')
  return text === '' ? missing : text
}

function column(title: string, path: string, missing = NONE): Column {
  return { title, cell: object => at(object, path, missing) }
}

function wide(title: string, path: string, missing = NONE): Column {
  return { ...column(title, path, missing), isWide: true }
}

/** Time since; `<unknown>` without a time. */
export function since(time: string | undefined, nowMs: number): string {
  return time === undefined || time === '' ? UNKNOWN : age(Date.parse(time), nowMs)
}

const NAME: Column = { title: 'NAME', cell: object => object.metadata.name }
const AGE: Column = { title: 'AGE', cell: (object, now) => since(object.metadata.creationTimestamp, now) }

const SELECTOR: Column = { title: 'SELECTOR', isWide: true, cell: object => selectorText(object) }
const CONTAINERS = wide('CONTAINERS', 'spec.template.spec.containers[*].name')
const IMAGES = wide('IMAGES', 'spec.template.spec.containers[*].image')

/** `app=web,tier in (a,b)`. */
function selectorText(object: object, path = 'spec.selector'): string {
  const selector = findValues(path, object)[0] as Selector | undefined
  const labels = selector?.matchLabels ?? (selector?.matchExpressions ? {} : (selector as Labels | undefined)) ?? {}
  const terms = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  for (const { key, operator, values = [] } of selector?.matchExpressions ?? []) {
    if (operator === 'Exists') terms.push(key)
    else if (operator === 'DoesNotExist') terms.push(`!${key}`)
    else terms.push(`${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`)
  }
  return terms.length === 0 ? NONE : terms.join(',')
}

type Labels = Readonly<Record<string, string>>

interface Selector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

const POD: readonly Column[] = [
  NAME,
  { title: 'READY', cell: pod => podRow(pod as PodObject).ready },
  { title: 'STATUS', cell: pod => podRow(pod as PodObject).status },
  {
    title: 'RESTARTS',
    cell: (pod, now) => {
      const { restarts, lastRestart } = podRow(pod as PodObject)
      return lastRestart === undefined ? String(restarts) : `${restarts} (${since(lastRestart, now)} ago)`
    },
  },
  AGE,
  wide('IP', 'status.podIP'),
  wide('NODE', 'spec.nodeName'),
  wide('NOMINATED NODE', 'status.nominatedNodeName'),
  {
    title: 'READINESS GATES',
    isWide: true,
    cell: pod => {
      const gates = findValues('spec.readinessGates[*].conditionType', pod)
      if (gates.length === 0) return NONE
      const met = findValues('status.conditions[?(@.status=="True")].type', pod)
      return `${gates.filter(gate => met.includes(gate)).length}/${gates.length}`
    },
  },
]

/** Characters of most names with their kind, and of most messages. */
const MOST_OBJECT = 40
const MOST_MESSAGE = 110

const EVENT: readonly Column[] = [
  { title: 'LAST SEEN', cell: (object, now) => lastSeen(object as EventObject, now) },
  column('TYPE', 'type'),
  column('REASON', 'reason'),
  {
    title: 'OBJECT',
    cell: object => {
      const { kind, name } = (object as EventObject).involvedObject
      return `${(kind ?? '').toLowerCase()}/${name}`
    },
    most: MOST_OBJECT,
  },
  wide('SUBOBJECT', 'involvedObject.fieldPath', ''),
  wide('SOURCE', 'source.component', ''),
  { title: 'MESSAGE', cell: object => at(object, 'message', '').trim(), most: MOST_MESSAGE },
  { title: 'FIRST SEEN', isWide: true, cell: (object, now) => since(at(object, 'firstTimestamp', ''), now) },
  wide('COUNT', 'count'),
  wide('NAME', 'metadata.name'),
]

/** `5s (x3 over 20s)`. Source: kubectl pkg/cmd/events, translateTimestampSince. */
export function lastSeen({ count, firstTimestamp, lastTimestamp }: EventObject, nowMs: number): string {
  const last = since(lastTimestamp, nowMs)
  return (count ?? 1) > 1 ? `${last} (x${count} over ${since(firstTimestamp, nowMs)})` : last
}

const DEPLOYMENT: readonly Column[] = [
  NAME,
  { title: 'READY', cell: object => `${at(object, 'status.readyReplicas', '0')}/${at(object, 'spec.replicas', '0')}` },
  column('UP-TO-DATE', 'status.updatedReplicas', '0'),
  column('AVAILABLE', 'status.availableReplicas', '0'),
  AGE,
  CONTAINERS,
  IMAGES,
  SELECTOR,
]

const REPLICA_SET: readonly Column[] = [
  NAME,
  column('DESIRED', 'spec.replicas', '0'),
  column('CURRENT', 'status.replicas', '0'),
  column('READY', 'status.readyReplicas', '0'),
  AGE,
  CONTAINERS,
  IMAGES,
  SELECTOR,
]

const STATEFUL_SET: readonly Column[] = [
  NAME,
  { title: 'READY', cell: object => `${at(object, 'status.readyReplicas', '0')}/${at(object, 'spec.replicas', '0')}` },
  AGE,
  CONTAINERS,
  IMAGES,
]

const DAEMON_SET: readonly Column[] = [
  NAME,
  column('DESIRED', 'status.desiredNumberScheduled', '0'),
  column('CURRENT', 'status.currentNumberScheduled', '0'),
  column('READY', 'status.numberReady', '0'),
  column('UP-TO-DATE', 'status.updatedNumberScheduled', '0'),
  column('AVAILABLE', 'status.numberAvailable', '0'),
  { title: 'NODE SELECTOR', cell: object => selectorText(object, 'spec.template.spec.nodeSelector') },
  AGE,
  CONTAINERS,
  IMAGES,
  SELECTOR,
]

const JOB: readonly Column[] = [
  NAME,
  { title: 'STATUS', cell: jobState },
  { title: 'COMPLETIONS', cell: completions },
  {
    title: 'DURATION',
    cell: (object, now) => {
      const start = at(object, 'status.startTime', '')
      const end = at(object, 'status.completionTime', '')
      return start === '' ? '' : age(Date.parse(start), end === '' ? now : Date.parse(end))
    },
  },
  AGE,
  CONTAINERS,
  IMAGES,
  SELECTOR,
]

/** Of a PersistentVolume. */
function claimOf(volume: WireObject): string {
  const name = at(volume, 'spec.claimRef.name', '')
  return name === '' ? '' : `${at(volume, 'spec.claimRef.namespace', 'default')}/${name}`
}

/** Source: k8s.io/kubernetes pkg/printers/internalversion, printJob. */
function completions(job: WireObject): string {
  const done = at(job, 'status.succeeded', '0')
  const wanted = at(job, 'spec.completions', '')
  if (wanted !== '') return `${done}/${wanted}`
  const parallelism = at(job, 'spec.parallelism', '1')
  return Number(parallelism) > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`
}

function jobState(job: WireObject): string {
  const met = findValues('status.conditions[?(@.status=="True")].type', job)
  if (met.includes('Complete')) return 'Complete'
  if (met.includes('Failed')) return 'Failed'
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating'
  return met.includes('Suspended') ? 'Suspended' : 'Running'
}

const CRON_JOB: readonly Column[] = [
  NAME,
  column('SCHEDULE', 'spec.schedule'),
  column('TIMEZONE', 'spec.timeZone'),
  { title: 'SUSPEND', cell: object => (at(object, 'spec.suspend') === 'true' ? 'True' : 'False') },
  { title: 'ACTIVE', cell: object => String(findValues('status.active[*]', object).length) },
  {
    title: 'LAST SCHEDULE',
    cell: (object, now) => {
      const last = at(object, 'status.lastScheduleTime', '')
      return last === '' ? NONE : since(last, now)
    },
  },
  AGE,
]

const SERVICE: readonly Column[] = [
  NAME,
  column('TYPE', 'spec.type'),
  { title: 'CLUSTER-IP', cell: object => at(object, 'spec.clusterIP') },
  { title: 'EXTERNAL-IP', cell: externalAddress },
  { title: 'PORT(S)', cell: servicePorts },
  AGE,
  SELECTOR,
]

function externalAddress(service: WireObject): string {
  const type = at(service, 'spec.type')
  if (type === 'ExternalName') return at(service, 'spec.externalName')
  const external = at(service, 'spec.externalIPs[*]', '')
  const balanced = at(service, 'status.loadBalancer.ingress[*].ip', '')
  const all = [balanced, external].filter(text => text !== '').join(',')
  if (all !== '') return all
  return type === 'LoadBalancer' ? '<pending>' : NONE
}

function servicePorts(service: WireObject): string {
  const ports = findValues('spec.ports[*]', service) as readonly ServicePort[]
  const texts = ports.map(({ port, nodePort, protocol }) =>
    nodePort === undefined ? `${port}/${protocol}` : `${port}:${nodePort}/${protocol}`,
  )
  return texts.length === 0 ? NONE : texts.join(',')
}

interface ServicePort {
  readonly port: number
  readonly nodePort?: number
  readonly protocol?: string
}

/** How many entries the maps at the paths have together. */
function entries(object: object, ...paths: readonly string[]): string {
  const maps = paths.map(path => findValues(path, object)[0]).filter(map => map !== undefined)
  return String(maps.reduce((sum: number, map) => sum + Object.keys(map as object).length, 0))
}

const MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
}

const ACCESS_MODES: Column = {
  title: 'ACCESS MODES',
  cell: object =>
    findValues('spec.accessModes[*]', object)
      .map(mode => MODES[String(mode)] ?? String(mode))
      .join(','),
}

const TABLES: Readonly<Record<string, readonly Column[]>> = {
  Pod: POD,
  Deployment: DEPLOYMENT,
  Event: EVENT,
  ReplicaSet: REPLICA_SET,
  ReplicationController: REPLICA_SET,
  StatefulSet: STATEFUL_SET,
  DaemonSet: DAEMON_SET,
  Job: JOB,
  CronJob: CRON_JOB,
  Service: SERVICE,
  ConfigMap: [NAME, { title: 'DATA', cell: object => entries(object, 'data', 'binaryData') }, AGE],
  Secret: [NAME, column('TYPE', 'type'), { title: 'DATA', cell: object => entries(object, 'data') }, AGE],
  Namespace: [NAME, column('STATUS', 'status.phase'), AGE],
  Node: [
    NAME,
    { title: 'STATUS', cell: () => 'Ready' },
    { title: 'ROLES', cell: () => NONE },
    AGE,
    column('VERSION', 'status.nodeInfo.kubeletVersion'),
    wide('INTERNAL-IP', 'status.addresses[?(@.type=="InternalIP")].address'),
    { title: 'EXTERNAL-IP', isWide: true, cell: () => NONE },
    wide('OS-IMAGE', 'status.nodeInfo.osImage'),
    wide('KERNEL-VERSION', 'status.nodeInfo.kernelVersion'),
    wide('CONTAINER-RUNTIME', 'status.nodeInfo.containerRuntimeVersion'),
  ],
  PersistentVolumeClaim: [
    NAME,
    column('STATUS', 'status.phase'),
    column('VOLUME', 'spec.volumeName', ''),
    column('CAPACITY', 'status.capacity.storage', ''),
    ACCESS_MODES,
    column('STORAGECLASS', 'spec.storageClassName', ''),
    column('VOLUMEATTRIBUTESCLASS', 'spec.volumeAttributesClassName', '<unset>'),
    AGE,
    wide('VOLUMEMODE', 'spec.volumeMode'),
  ],
  PersistentVolume: [
    NAME,
    column('CAPACITY', 'spec.capacity.storage', ''),
    ACCESS_MODES,
    column('RECLAIM POLICY', 'spec.persistentVolumeReclaimPolicy'),
    column('STATUS', 'status.phase'),
    { title: 'CLAIM', cell: claimOf },
    column('STORAGECLASS', 'spec.storageClassName', ''),
    column('VOLUMEATTRIBUTESCLASS', 'spec.volumeAttributesClassName', '<unset>'),
    column('REASON', 'status.reason', ''),
    AGE,
    wide('VOLUMEMODE', 'spec.volumeMode'),
  ],
  Ingress: [
    NAME,
    column('CLASS', 'spec.ingressClassName'),
    column('HOSTS', 'spec.rules[*].host', '*'),
    column('ADDRESS', 'status.loadBalancer.ingress[*].ip', ''),
    { title: 'PORTS', cell: object => (findValues('spec.tls[*]', object).length > 0 ? '80, 443' : '80') },
    AGE,
  ],
  NetworkPolicy: [NAME, { title: 'POD-SELECTOR', cell: object => selectorText(object, 'spec.podSelector') }, AGE],
  StorageClass: [
    NAME,
    column('PROVISIONER', 'provisioner'),
    column('RECLAIMPOLICY', 'reclaimPolicy'),
    column('VOLUMEBINDINGMODE', 'volumeBindingMode'),
    column('ALLOWVOLUMEEXPANSION', 'allowVolumeExpansion', 'false'),
    AGE,
  ],
}
