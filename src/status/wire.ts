/** Kubernetes objects as they travel: the models' shape with times as text. */

/** A model of client-node with every Date as the RFC 3339 text that an API server sends. */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? readonly Wire<Item>[]
    : T extends object
      ? { readonly [K in keyof T]: Wire<T[K]> }
      : T

/** An object of any kind, as it travels. */
export interface WireObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: WireMetadata
  readonly spec?: object
  readonly status?: object
}

export interface WireMetadata {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly deletionGracePeriodSeconds?: number
  readonly generation?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly WireOwner[]
}

export interface WireOwner {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

/** A time as Kubernetes writes it: UTC, whole seconds. */
export function wireTime(time: string | number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`
}

/** By which a Job's pods are told from those of an earlier one of the same name. */
export function jobUidLabels(uid: string): Readonly<Record<string, string>> {
  return { 'batch.kubernetes.io/controller-uid': uid, 'controller-uid': uid }
}
