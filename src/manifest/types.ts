/** What the manifest stage hands on: typed Kubernetes objects that know where they came from. */
import type { V1ObjectMeta } from '@kubernetes/client-node'
import type { Diagnostic, FieldPath, Position } from '../diagnostic.ts'
import type { RejectedObject } from './rejected.ts'

/** A text to read: what a file, a directory's file, a URL or standard input held. */
export interface ManifestText {
  /** As the user named it, for messages; `-` for standard input. */
  readonly name: string
  readonly text: string
}

/** A Kubernetes object as the manifest says it: plain data, in client-node's shape. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: V1ObjectMeta
}

/** One object of a manifest, schema-checked, not yet defaulted. */
export interface ManifestObject<T extends KubernetesObject = KubernetesObject> {
  /** Kind, namespace and name together identify it. */
  readonly kind: string
  readonly apiVersion: string
  /** From the manifest, else from `-n`, else `default`. */
  readonly namespace: string
  readonly name: string
  /** The object as written: no defaults added, nothing dropped. */
  readonly value: T
  readonly file: string
  /** Which document of the file, counted from 0. */
  readonly document: number
  /** Where a field stands; of an absent field, where its nearest present parent stands. */
  locate(path: FieldPath): Position
}

export interface ReadResult {
  /** In the order of the texts. Objects that have errors are left out. */
  readonly objects: readonly ManifestObject[]
  /** Those that were left out; for each there is an error among the diagnostics. */
  readonly rejected: readonly RejectedObject[]
  /** Ordered by text, then position. */
  readonly diagnostics: readonly Diagnostic[]
}
