/** From what runs back to manifests that play the same again, here or on a cluster. */
import { KubeError } from '../diagnostic.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import { cleanObject } from './clean.ts'
import { companionsOf, missingClaims } from './companions.ts'
import { podTemplateOf } from './pod-spec.ts'
import { serviceFor } from './service.ts'
import { findTarget, ownerOf, type Target } from './targets.ts'
import type { GenerateSource, GenerateType, SourceObject } from './types.ts'
import { claimsOfPod, convert, podOfPlan } from './workload.ts'

export interface GenerateRequest {
  /** `KIND/NAME`, `app/NAME` or bare names. */
  readonly names: readonly string[]
  readonly namespace: string
  /** A Service for each pod or workload. */
  readonly service?: boolean
  /** The kind to make of pods and workloads; absent: what they are. */
  readonly type?: GenerateType
  readonly replicas?: number
}

export interface Generated {
  /** In the order in which a cluster wants them. */
  readonly objects: readonly KubernetesObject[]
  /** What could not be kept, one sentence each. */
  readonly notes: readonly string[]
}

/** The same records give the same objects. Fails with codes `NotFound`, `Ambiguous`, `UnknownResource`, `Usage`. */
export function generate(request: GenerateRequest, source: GenerateSource): Generated {
  if (request.replicas !== undefined && (request.type === 'pod' || request.type === 'daemonset')) {
    throw new KubeError('Usage', `--replicas: a ${request.type} has no replicas`, {
      exitStatus: 2,
      hint: '--type deployment, replicaset, statefulset and job have',
    })
  }
  const targets = request.names.map(name => findTarget(name, request.namespace, source))
  const roots = [...new Set(targets.flatMap(rootsOf))]
  const companions = companionsOf(roots, source.objects).map(object => cleanObject(object))
  const notes: string[] = []
  const mains: KubernetesObject[] = []
  for (const root of roots) notes.push(...missingClaims(root, [...source.objects, ...roots]))
  const seen = new Set<string>()
  for (const object of targets.flatMap(target => mainsOf(target, source))) {
    const key = keyOf(object)
    if (seen.has(key)) continue
    seen.add(key)
    const converted = request.type === undefined ? withReplicas(object, request) : convertPod(object, request)
    mains.push(converted.object)
    notes.push(...converted.notes)
  }
  return request.service === true
    ? withServices(companions, mains, source, notes)
    : { objects: [...companions, ...mains], notes }
}

function convertPod(object: KubernetesObject, request: GenerateRequest): ReturnType<typeof convert> {
  // Of an app's objects, only those with pods become another kind.
  if (podTemplateOf(object) === undefined) return { object, notes: [] }
  return convert(object, request.type!, request.replicas)
}

const SCALED: Readonly<Record<string, GenerateType>> = {
  Deployment: 'deployment',
  ReplicaSet: 'replicaset',
  StatefulSet: 'statefulset',
}

/** `--replicas` alone makes a Pod a Deployment, as podman does; of a workload it changes the number. */
function withReplicas(object: KubernetesObject, { replicas }: GenerateRequest): ReturnType<typeof convert> {
  const type = SCALED[object.kind] ?? (object.kind === 'Pod' ? 'deployment' : undefined)
  if (replicas === undefined) return { object, notes: [] }
  if (type !== undefined) return convert(object, type, replicas)
  const hasPods = podTemplateOf(object) !== undefined
  return { object, notes: hasPods ? [`${object.kind} ${object.metadata.name} has no replicas: it stays as it is`] : [] }
}

function rootsOf(target: Target): readonly SourceObject[] {
  if (target.kind === 'app') return target.objects
  return [target.kind === 'object' ? target.object : target.owner]
}

function mainsOf(target: Target, source: GenerateSource): readonly KubernetesObject[] {
  if (target.kind === 'pod') {
    const owner = cleanFrom(target.owner, source)
    return [...claimsOfPod(owner, target.pod.plan.name), podOfPlan(owner, target.pod.plan)]
  }
  return rootsOf(target).map(object => cleanFrom(object, source))
}

/** Cleaned, with what one of its pods knows of host paths. */
function cleanFrom(object: SourceObject, source: GenerateSource): KubernetesObject {
  const pod = source.pods.find(candidate => ownerOf(candidate, source) === object)
  return cleanObject(object, pod?.plan)
}

/** Services come before what they lead to. One of the same name that was played is given as it was. */
function withServices(
  companions: readonly KubernetesObject[],
  mains: readonly KubernetesObject[],
  source: GenerateSource,
  notes: readonly string[],
): Generated {
  const objects: KubernetesObject[] = [...companions]
  const present = new Set([...companions, ...mains].map(keyOf))
  const changed = mains.map(main => {
    const made = serviceFor(main)
    if (!made) return main
    if (present.has(keyOf(made.service))) return main
    const known = source.objects.find(
      ({ kind, name, namespace }) =>
        kind === 'Service' &&
        name === made.service.metadata.name &&
        namespace === (main.metadata.namespace ?? 'default'),
    )
    objects.push(known ? cleanObject(known) : made.service)
    present.add(keyOf(made.service))
    return known ? main : made.object
  })
  return { objects: [...objects, ...changed], notes }
}

function keyOf({ kind, metadata }: KubernetesObject): string {
  return `${kind}/${metadata.namespace ?? 'default'}/${metadata.name}`
}
