/** What planning a pod may look at besides the pod itself. */
import type { V1Pod } from '@kubernetes/client-node'
import type { Finding } from '../manifest/finding.ts'
import type { BoundVolume } from './bindings.ts'
import type { FindObject } from './lookup.ts'
import type { PodSettings, VolumePlan } from './types.ts'

export interface PodContext {
  readonly find: FindObject
  /** The bridge network that pods without hostNetwork are attached to. */
  readonly network: string
  /** `cluster.local`, unless configured otherwise. */
  readonly clusterDomain: string
  /** The PersistentVolume that a claim is bound to. */
  readonly boundVolume: BoundVolume
  /** Absolute directory of the seccomp profiles that pods name. Default: the machine's usual one. */
  readonly seccompRoot?: string
  /** Absolute directory that the manifest's relative host paths start from; absent when there is none. */
  readonly baseDir?: string
  readonly settings?: PodSettings
}

/** A Pod with its defaults, its final name and its namespace. */
export interface PodSource {
  readonly pod: V1Pod
  readonly namespace: string
  readonly name: string
  readonly owner?: { readonly kind: string; readonly name: string }
}

export interface VolumeResult {
  /** Absent when a finding says why. */
  readonly volume?: VolumePlan
  readonly findings: readonly Finding[]
}
