/** Words of the controllers: what they look at and what they answer. */
import type { V1PersistentVolumeClaim } from '@kubernetes/client-node'
import type { PodSource } from '../plan/context.ts'

/** A recorded object, with what its controller wrote down the last time. */
export interface WorkloadRecord {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly uid: string
  /** RFC 3339. */
  readonly createdAt: string
  /** As the manifest says it, without defaults. */
  readonly value: object
  /** uid of the object whose controller made it. */
  readonly owner?: string
  readonly progress?: Progress
}

/** What a controller remembers of an object. */
export interface Progress {
  /** Counts the changes of the object's spec, from 1. */
  readonly generation: number
  /** Of the spec that was seen. */
  readonly specHash: string
  readonly status: WorkloadStatus
  /** Of the controller alone; in no status. */
  readonly memory?: object
}

export type WorkloadStatus = Readonly<Record<string, unknown>>

/** A pod as a controller sees it: what an API server would show. */
export interface WorkloadPod {
  readonly metadata: {
    readonly name: string
    readonly uid?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly creationTimestamp?: string
    readonly deletionTimestamp?: string
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[]
    readonly namespace?: string
  }
  readonly status: {
    readonly phase: string
    readonly reason?: string
    readonly conditions?: readonly WorkloadPodCondition[]
    readonly containerStatuses?: readonly WorkloadContainerStatus[]
    readonly initContainerStatuses?: readonly WorkloadContainerStatus[]
  }
  /** Its namespaces are gone: it can never run again. */
  readonly isLost?: boolean
}

export interface WorkloadPodCondition {
  readonly type: string
  readonly status: string
  readonly lastTransitionTime?: string
}

export interface WorkloadContainerStatus {
  readonly name: string
  readonly restartCount: number
  readonly state?: {
    readonly terminated?: { readonly exitCode: number; readonly finishedAt?: string }
    readonly running?: object
  }
}

export interface WorkloadInput {
  readonly object: WorkloadRecord
  /** What the object's controller made: ReplicaSets, ControllerRevisions, Jobs. */
  readonly children: readonly WorkloadRecord[]
  /** Those that the object, or one of its children, made. */
  readonly pods: readonly WorkloadPod[]
  /** Milliseconds since 1970. */
  readonly nowMs: number
  readonly limits: RetryLimits
}

/** How long a Job waits before it makes the next pod for one that failed. */
export interface RetryLimits {
  /** Milliseconds after the first failure; doubles with each. Default 10 s. */
  readonly initialMs: number
  /** Default 10 min. */
  readonly maxMs: number
}

export interface ClaimName {
  readonly namespace: string
  readonly claim: string
}

/** What is to be done for one object, and how it is. */
export interface Decision {
  /** Pods to make, each with its final name. */
  readonly create: readonly PodSource[]
  /** Claims that the new pods use and nobody wrote down. */
  readonly claims: readonly V1PersistentVolumeClaim[]
  /** uids of pods to take away. */
  readonly remove: readonly string[]
  /** Claims that go once the pods that are being taken away are gone. */
  readonly releaseClaims: readonly ClaimName[]
  /** Children to make or change. Their `value` is whole. */
  readonly putChildren: readonly ChildObject[]
  /** uids of children to forget. */
  readonly removeChildren: readonly string[]
  /** The object itself has outlived its time. */
  readonly removeSelf: boolean
  readonly status: WorkloadStatus
  readonly memory?: object
  /** When to look again though nothing happened, in milliseconds since 1970. */
  readonly wakeAtMs?: number
  readonly events: readonly WorkloadEvent[]
}

export interface ChildObject {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly value: object
}

export interface WorkloadEvent {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

/** Nothing to do. */
export const NOTHING: Omit<Decision, 'status'> = {
  create: [],
  claims: [],
  remove: [],
  releaseClaims: [],
  putChildren: [],
  removeChildren: [],
  removeSelf: false,
  events: [],
}

/** A condition of a workload's status. */
export interface WorkloadCondition {
  readonly type: string
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
  readonly lastTransitionTime: string
  readonly lastUpdateTime?: string
  readonly lastProbeTime?: string
}
