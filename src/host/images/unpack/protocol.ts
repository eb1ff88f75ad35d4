/** What the unpacking thread and its owner say to each other. */
import type { MessagePort } from 'node:worker_threads'
import type { Compression } from './decompress.ts'

export interface UnpackRequest {
  /** Absolute path of an empty directory: it becomes the layer. */
  readonly directory: string
  readonly source:
    | { readonly kind: 'file'; readonly fd: number; readonly offset: number; readonly length: number }
    | { readonly kind: 'stream'; readonly port: MessagePort }
  /** Whether the digest of the compressed bytes is wanted; the one of the tar always is. */
  readonly hashBlob: boolean
}

/** Told to a thread that is to end, whatever it does. */
export const END = 'end'

export interface UnpackSuccess {
  readonly kind: 'done'
  readonly diffId: string
  /** Of the bytes as they came; equals `diffId` when uncompressed, or when it was not wanted. */
  readonly blobDigest: string
  readonly compression: Compression
  /** Bytes of the uncompressed tar. */
  readonly tarBytes: number
  /** Bytes of regular files. */
  readonly sizeBytes: number
  readonly entries: number
  readonly opaqueRoot: boolean
}

export interface UnpackFailure {
  readonly kind: 'failed'
  readonly code: string
  readonly message: string
}

export type WorkerMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly doneBytes: number }
  | UnpackSuccess
  | UnpackFailure
