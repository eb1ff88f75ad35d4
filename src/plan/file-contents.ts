/** The files of a volume with their contents, once the pod's own facts are known. */
import { KubeError } from '../diagnostic.ts'
import type { MachineFacts, PodFacts } from './facts.ts'
import { fieldValue, resourceValue } from './fields.ts'
import type { FilePlan, FilesPlan, PodPlan } from './types.ts'

export interface FileContent {
  /** Relative to the volume; without `..`. */
  readonly path: string
  /** Permission bits. With `fsGroup` the owner's are given to the group, as the kubelet does. */
  readonly mode: number
  readonly content: Uint8Array
}

export interface TokenRequest {
  readonly audience: string
  readonly expirationSeconds: number
  readonly serviceAccount: string
}

export interface FileInputs {
  readonly pod: PodPlan
  readonly facts: PodFacts
  readonly machine: MachineFacts
  /** Signs a service account's token. */
  readonly token: (request: TokenRequest) => string
}

/** Fails with `InvalidFieldPath` for a field that pods do not have. */
export function fileContents(volume: FilesPlan, inputs: FileInputs): readonly FileContent[] {
  const shared = inputs.pod.fsGroup !== undefined
  return volume.files.map(file => ({
    path: file.path,
    mode: shared ? file.mode | ((file.mode & 0o700) >> 3) : file.mode,
    content: contentOf(file, inputs),
  }))
}

function contentOf(file: FilePlan, { pod, facts, machine, token }: FileInputs): Uint8Array {
  if ('content' in file) return Buffer.from(file.content, 'base64')
  if ('resource' in file) return Buffer.from(resourceValue(file.resource, pod, machine))
  if ('token' in file) {
    const serviceAccount = pod.pod.spec?.serviceAccountName || 'default'
    return Buffer.from(token({ ...file.token, serviceAccount }))
  }
  const value = fieldValue(file.field, pod, facts, machine)
  if (value === undefined) {
    throw new KubeError('InvalidFieldPath', `file ${file.path}: the pod has no field ${file.field}`)
  }
  return Buffer.from(value)
}
