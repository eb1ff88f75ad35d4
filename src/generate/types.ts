/** What manifests are generated from: the records of what runs. */
import type { KubernetesObject } from '../manifest/types.ts'
import type { PodPlan } from '../plan/types.ts'

/** A recorded object, as its manifest said it. */
export interface SourceObject {
  readonly app: string
  readonly kind: string
  /** Empty for kinds without one. */
  readonly namespace: string
  readonly name: string
  readonly value: KubernetesObject
}

export interface SourcePod {
  readonly app: string
  readonly plan: PodPlan
}

export interface GenerateSource {
  readonly objects: readonly SourceObject[]
  readonly pods: readonly SourcePod[]
  /** Named volumes. Default none. */
  readonly volumes?: readonly SourceVolume[]
}

/** A volume that claims of this name lead to. */
export interface SourceVolume {
  readonly namespace: string
  readonly name: string
}

/** Kinds that a pod or a workload can be made into. */
export const GENERATE_TYPES = ['pod', 'deployment', 'replicaset', 'statefulset', 'daemonset', 'job'] as const
export type GenerateType = (typeof GENERATE_TYPES)[number]
