/** What the names on the command line mean. */
import { KubeError } from '../diagnostic.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import { findKindByName } from './kind-names.ts'
import { podTemplateOf } from './pod-spec.ts'
import type { GenerateSource, SourceObject, SourcePod } from './types.ts'

/** One thing to generate: a recorded object, or one pod of a workload. */
export type Target =
  | { readonly kind: 'object'; readonly object: SourceObject }
  | { readonly kind: 'pod'; readonly owner: SourceObject; readonly pod: SourcePod }
  /** All objects of an app, in their manifest's order. */
  | { readonly kind: 'app'; readonly name: string; readonly objects: readonly SourceObject[] }

/**
 * `KIND/NAME`, `app/NAME`, or a bare name: of a pod, a workload, an app, any other object, or a named volume, in this
 * order. Fails with code `NotFound`.
 */
export function findTarget(text: string, namespace: string, source: GenerateSource): Target {
  const slash = text.indexOf('/')
  if (slash < 0) return findByName(text, namespace, source)
  const [type, name] = [text.slice(0, slash), text.slice(slash + 1)]
  if (type === 'app') return findApp(name, source) ?? missing(text, source)
  const kind = /^volumes?$/i.test(type) ? 'PersistentVolumeClaim' : findKindByName(type)
  if (kind === undefined) throw new KubeError('UnknownResource', `there is no resource type ${JSON.stringify(type)}`)
  if (kind === 'Pod') return findPod(name, namespace, source) ?? missing(text, source)
  const object = source.objects.find(
    candidate => candidate.kind === kind && candidate.name === name && isIn(candidate, namespace),
  )
  if (object) return { kind: 'object', object }
  const claim = kind === 'PersistentVolumeClaim' ? claimOfVolume(name, namespace, source) : undefined
  return claim ?? missing(text, source)
}

/** A claim for a volume that no manifest claims. Its size is not known: 1Gi, as podman has it. */
function claimOfVolume(name: string, namespace: string, source: GenerateSource): Target | undefined {
  if (!source.volumes?.some(volume => volume.name === name && volume.namespace === namespace)) return undefined
  const value = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, ...(namespace === 'default' ? {} : { namespace }) },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  } as KubernetesObject
  return { kind: 'object', object: { app: '', kind: value.kind, namespace, name, value } }
}

function findByName(name: string, namespace: string, source: GenerateSource): Target {
  const pod = findPod(name, namespace, source)
  if (pod) return pod
  const objects = source.objects.filter(object => object.name === name && isIn(object, namespace))
  const workload = objects.find(object => podTemplateOf(object.value) !== undefined)
  if (workload) return { kind: 'object', object: workload }
  const app = findApp(name, source)
  if (app) return app
  const [object, other] = objects
  if (object && other) {
    const choices = objects.map(({ kind }) => `${kind.toLowerCase()}/${name}`)
    throw new KubeError('Ambiguous', `${name} is the name of several objects`, { hint: `say ${choices.join(' or ')}` })
  }
  if (object) return { kind: 'object', object }
  return claimOfVolume(name, namespace, source) ?? missing(name, source)
}

function findPod(name: string, namespace: string, source: GenerateSource): Target | undefined {
  const object = source.objects.find(
    candidate => candidate.kind === 'Pod' && candidate.name === name && candidate.namespace === namespace,
  )
  if (object) return { kind: 'object', object }
  const pod = source.pods.find(({ plan }) => plan.name === name && plan.namespace === namespace)
  const owner = pod && ownerOf(pod, source)
  return pod && owner && { kind: 'pod', owner, pod }
}

/** The recorded workload that made the pod. */
export function ownerOf({ plan }: SourcePod, source: GenerateSource): SourceObject | undefined {
  const { owner, namespace, name } = plan
  const [kind, ownerName] = owner === undefined ? ['Pod', name] : [owner.kind, owner.name]
  return source.objects.find(
    object => object.kind === kind && object.name === ownerName && object.namespace === namespace,
  )
}

function findApp(name: string, source: GenerateSource): Target | undefined {
  const objects = source.objects.filter(object => object.app === name)
  return objects.length === 0 ? undefined : { kind: 'app', name, objects }
}

function isIn(object: SourceObject, namespace: string): boolean {
  return object.namespace === namespace || object.namespace === ''
}

function missing(text: string, source: GenerateSource): never {
  const names = [...new Set([...source.objects.map(({ app }) => app), ...source.pods.map(({ plan }) => plan.name)])]
  throw new KubeError('NotFound', `there is no pod, workload or app ${text}`, {
    hint: names.length === 0 ? 'nothing is played' : `there are: ${names.slice(0, 20).join(', ')}`,
  })
}
