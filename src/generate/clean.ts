/** An object as its manifest said it, fit for any cluster and for being kept in version control. */
import type { V1PodSpec } from '@kubernetes/client-node'
import type { KubernetesObject } from '../manifest/types.ts'
import type { PodPlan } from '../plan/types.ts'
import { podSpecOf, withPodSpec } from './pod-spec.ts'
import type { SourceObject } from './types.ts'

/** What a server writes: it refuses some of it in a new object, and all of it changes from one server to the next. */
const SERVER_FIELDS = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'managedFields',
  'resourceVersion',
  'selfLink',
  // By their uid, owners belong to one server: another one would delete at once what an absent object owns.
  'ownerReferences',
]
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** `plan`: of a pod that the object made, for host paths that were relative to the manifest's directory. */
export function cleanObject({ value, namespace }: SourceObject, plan?: PodPlan): KubernetesObject {
  const { status: _, ...rest } = value as KubernetesObject & { readonly status?: object }
  const metadata = cleanMetadata(value.metadata)
  // What came from `-n` is part of what was played.
  const isElsewhere = namespace !== '' && namespace !== 'default' && metadata.namespace === undefined
  const cleaned = { ...rest, metadata: isElsewhere ? { ...metadata, namespace } : metadata } as KubernetesObject
  const spec = podSpecOf(cleaned)
  return spec && plan ? withPodSpec(cleaned, absolutePaths(spec, plan)) : cleaned
}

function cleanMetadata(metadata: KubernetesObject['metadata']): KubernetesObject['metadata'] {
  const kept = Object.fromEntries(Object.entries(metadata).filter(([key]) => !SERVER_FIELDS.includes(key)))
  const { [LAST_APPLIED]: lastApplied, ...annotations } = metadata.annotations ?? {}
  if (lastApplied === undefined) return kept
  const { annotations: _, ...others } = kept
  return Object.keys(annotations).length === 0 ? others : { ...kept, annotations }
}

/** A relative host path means something to kube only; what it came to is what ran. */
function absolutePaths(spec: V1PodSpec, plan: PodPlan): V1PodSpec {
  const paths = new Map(
    plan.volumes.flatMap(volume => (volume.kind === 'hostPath' ? [[volume.name, volume.path]] : [])),
  )
  if (spec.volumes?.every(({ hostPath }) => hostPath === undefined || hostPath.path.startsWith('/')) !== false)
    return spec
  return {
    ...spec,
    volumes: spec.volumes.map(volume => {
      const path = paths.get(volume.name)
      if (volume.hostPath === undefined || path === undefined || volume.hostPath.path.startsWith('/')) return volume
      return { ...volume, hostPath: { ...volume.hostPath, path } }
    }),
  }
}
