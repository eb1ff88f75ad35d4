/** The objects of an app as the pods that should exist. */
import type { V1PersistentVolume, V1PersistentVolumeClaim, V1PodTemplateSpec } from '@kubernetes/client-node'
import type { Diagnostic } from '../diagnostic.ts'
import type { Finding } from '../manifest/finding.ts'
import { findKind } from '../manifest/kinds.ts'
import { isRejected, type RejectedObject } from '../manifest/rejected.ts'
import type { KubernetesObject, ManifestObject } from '../manifest/types.ts'
import { bindVolumes } from './bindings.ts'
import { expandObject } from './expand.ts'
import { withGeneratedNames } from './generated-names.ts'
import { immutableFindings } from './immutable.ts'
import { type NamedObject, namedObject, objectFinder } from './lookup.ts'
import { planPod } from './plan-pod.ts'
import { podCountFinding } from './pod-count.ts'
import type { PodPlan, PodSettings, PortPlan } from './types.ts'

export interface PlanOptions {
  /** Objects that are there already, from other apps: what the manifests refer to but do not define. Default none. */
  readonly existing?: readonly KubernetesObject[]
  /** Objects that the manifests define wrongly: that one of them is missing is not told as well. Default none. */
  readonly rejected?: readonly RejectedObject[]
  /** The bridge network pods are attached to. Default `kube`. */
  readonly network?: string
  /** Default `cluster.local`. */
  readonly clusterDomain?: string
  /** Absolute directory of the seccomp profiles that pods name. Default: the machine's usual one. */
  readonly seccompRoot?: string
  /** Default: none. */
  readonly settings?: PodSettings
  /** Absolute directory that a file's relative host paths start from. Default: such paths are errors. */
  readonly baseDir?: (file: string) => string | undefined
}

export interface PlanResult {
  readonly pods: readonly PodPlan[]
  /** One pod as each CronJob's jobs will make them: its images are needed, the pod is not made now. */
  readonly later: readonly PodPlan[]
  /** The images of objects that make no pod until somebody changes them. */
  readonly idle: readonly IdleImage[]
  /** Claims that the objects call for without being written in the manifests: those of a StatefulSet's templates. */
  readonly claims: readonly V1PersistentVolumeClaim[]
  /** When one of them is an error, nothing of the plan may be carried out. */
  readonly diagnostics: readonly Diagnostic[]
}

export interface IdleImage {
  /** As the manifest names it. */
  readonly image: string
  readonly owner: { readonly kind: string; readonly name: string }
}

/** The same objects give the same plan, in the objects' order. */
export function planApp(given: readonly ManifestObject[], options: PlanOptions = {}): PlanResult {
  const objects = withGeneratedNames(given)
  const diagnostics: Diagnostic[] = []
  const expansions = objects.flatMap(object => {
    if (!isRun(object)) return []
    const tooMany = podCountFinding(object)
    if (tooMany) {
      diagnostics.push(locate(object, tooMany))
      return []
    }
    const expansion = expandObject(object)
    return expansion ? [{ object, expansion }] : []
  })
  const claims = expansions.flatMap(({ expansion }) => expansion.claims ?? [])
  const rejected = options.rejected ?? []
  const known = [
    ...objects,
    ...(claims as readonly KubernetesObject[]).map(namedObject),
    // As they were before, they say nothing of how they will be.
    ...(options.existing ?? []).map(namedObject).filter(object => !isRejected(rejected, object)),
  ]
  const find = objectFinder(known)
  // Claims that are there already have taken theirs.
  const inOrder = [...known.filter(({ value }) => options.existing?.includes(value)), ...known]
  const boundVolume = bindVolumes(
    ofKind<V1PersistentVolumeClaim>(inOrder, 'PersistentVolumeClaim'),
    ofKind<V1PersistentVolume>(known, 'PersistentVolume'),
  )
  const findBefore = objectFinder((options.existing ?? []).map(namedObject))
  const pods: PodPlan[] = []
  const later: PodPlan[] = []
  const idle: IdleImage[] = []
  const byName = new Map<string, PodPlan>()
  const portHolders: PortHolders = new Map()
  for (const { object, expansion } of expansions) {
    const baseDir = options.baseDir?.(object.file)
    const context = {
      find,
      network: options.network ?? 'kube',
      clusterDomain: options.clusterDomain ?? 'cluster.local',
      boundVolume,
      ...(options.seccompRoot === undefined ? {} : { seccompRoot: options.seccompRoot }),
      ...(options.settings === undefined ? {} : { settings: options.settings }),
      ...(baseDir === undefined ? {} : { baseDir }),
    }
    const findings: Finding[] = []
    for (const source of expansion.pods) {
      const result = planPod(source, context)
      const key = `${source.namespace}/${source.name}`
      findings.push(...nameClash(result.plan, byName.get(key)))
      byName.set(key, result.plan)
      pods.push(result.plan)
      if (source === expansion.pods[0]) findings.push(...result.findings)
      findings.push(...portClashes(result.plan, portHolders))
    }
    for (const source of expansion.later ?? []) {
      const result = planPod(source, context)
      findings.push(...result.findings)
      later.push(result.plan)
    }
    idle.push(...imagesOf(expansion.idle).map(image => ({ image, owner: { kind: object.kind, name: object.name } })))
    diagnostics.push(
      ...once(findings)
        .filter(({ lacks }) => !lacks || !isRejected(rejected, { ...lacks, namespace: object.namespace }))
        .map(finding => locate(object, { ...finding, path: [...expansion.podPath, ...finding.path] })),
    )
  }
  for (const object of objects) {
    const { kind } = object
    if (kind !== 'ConfigMap' && kind !== 'Secret' && kind !== 'PersistentVolumeClaim') continue
    const before = findBefore(kind, object.namespace, object.name)
    if (!before) continue
    const findings = immutableFindings(object.value, before as KubernetesObject)
    diagnostics.push(...findings.map(finding => locate(object, finding)))
  }
  return { pods, later, idle, claims, diagnostics }
}

/** Each once. */
function imagesOf(template: V1PodTemplateSpec | undefined): readonly string[] {
  const { containers = [], initContainers = [], volumes = [] } = template?.spec ?? {}
  const named = [...initContainers, ...containers].map(({ image }) => image)
  const mounted = volumes.map(volume => volume.image?.reference)
  return [...new Set([...named, ...mounted].filter(image => image !== undefined && image !== ''))] as readonly string[]
}

/** Each name once: the first, which the manifests define, counts. */
function ofKind<T>(objects: readonly NamedObject[], kind: string): readonly T[] {
  const byName = new Map<string, KubernetesObject>()
  for (const { kind: own, namespace, name, value } of objects) {
    const key = `${namespace}/${name}`
    if (own === kind && !byName.has(key)) byName.set(key, value)
  }
  return [...byName.values()] as unknown as readonly T[]
}

/** Whether the kinds' table lets the engine act on it; the reader has told if not. */
function isRun(object: ManifestObject): boolean {
  return findKind(object.apiVersion, object.kind)?.disposition === 'run'
}

/** What several replicas have in common is told for the first one. */
function once(findings: readonly Finding[]): readonly Finding[] {
  const told = new Map(findings.toReversed().map(finding => [`${finding.code} ${finding.path.join('/')}`, finding]))
  return findings.filter(finding => told.get(`${finding.code} ${finding.path.join('/')}`) === finding)
}

function locate(object: ManifestObject, finding: Finding): Diagnostic {
  const { severity, code, message, path, hint } = finding
  return {
    severity,
    code,
    message,
    path,
    ...(hint === undefined ? {} : { hint }),
    file: object.file,
    document: object.document,
    position: object.locate(path),
  }
}

/** Only one pod of that name could exist, whoever it was made for. */
function nameClash(plan: PodPlan, other: PodPlan | undefined): readonly Finding[] {
  if (!other) return []
  const maker = other.owner === undefined ? 'the Pod' : `${other.owner.kind} ${other.owner.name}`
  const message = `Duplicate value: ${JSON.stringify(plan.name)}: ${maker} also makes a pod of that name`
  return [{ severity: 'error', code: 'FieldValueDuplicate', message, path: ['metadata', 'name'] }]
}

/** Who holds a port on which address, by protocol and number. */
type PortHolders = Map<string, { readonly hostIp: string; readonly plan: PodPlan }[]>

/** A host port can lead to one pod only; all addresses of the machine clash with each single one. */
function portClashes(plan: PodPlan, holders: PortHolders): readonly Finding[] {
  return plan.ports.flatMap(port => {
    const key = `${port.hostPort}/${port.protocol}`
    const there = holders.get(key) ?? []
    holders.set(key, [...there, { hostIp: port.hostIp, plan }])
    const clash = there.find(
      holder => holder.plan !== plan && (holder.hostIp === '' || port.hostIp === '' || holder.hostIp === port.hostIp),
    )
    return clash ? [portTaken(plan, port, clash.plan)] : []
  })
}

function portTaken(plan: PodPlan, port: PortPlan, holder: PodPlan): Finding {
  const message = `Invalid value: ${port.hostPort}: host port ${port.hostPort}/${port.protocol} already leads to pod ${holder.name}`
  return {
    severity: 'error',
    code: 'HostPortConflict',
    message,
    path: hostPortPath(plan, port),
    ...(holder.owner !== undefined && holder.owner.name === plan.owner?.name
      ? { hint: 'replicas cannot share a host port: use replicas: 1, or a Service' }
      : {}),
  }
}

function hostPortPath(plan: PodPlan, port: PortPlan): Finding['path'] {
  for (const list of ['initContainers', 'containers'] as const) {
    const containers = plan.pod.spec?.[list] ?? []
    const index = containers.findIndex(container => container.name === port.container)
    if (index < 0) continue
    const at = containers[index]?.ports?.findIndex(candidate => candidate.hostPort === port.hostPort) ?? 0
    return ['spec', list, index, 'ports', at, 'hostPort']
  }
  return ['spec']
}
