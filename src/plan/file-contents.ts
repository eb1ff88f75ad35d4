/** The files of a volume with their contents, once the pod's own facts are known. */
import { KubeError } from '../diagnostic.ts'
import type { MachineFacts, PodFacts } from './facts.ts'
import { fieldValue, resourceValue } from './fields.ts'
import { contentData } from './key-content.ts'
import type { FilePlan, FilesPlan, PodPlan } from './types.ts'

export interface FileContent {
  /** Relative to the volume; without `..`. */
  readonly path: string
  /** Permission bits. With `fsGroup` the group may read and a token is nobody else's, as the kubelet has it. */
  readonly mode: number
  /** Default 0. */
  readonly owner?: number
  /** Text is written as UTF-8. */
  readonly content: string | Uint8Array
}

export interface TokenRequest {
  readonly audience: string
  readonly expirationSeconds: number
  readonly serviceAccount: string
}

/** What a cluster's own authority gives a pod. */
export interface Authority {
  /** Signs a service account's token for this pod. */
  token(request: TokenRequest): string
  /** The certificate, in PEM, by which its API server would be known. */
  certificate(): string
}

export interface FileInputs {
  readonly pod: PodPlan
  readonly facts: PodFacts
  readonly machine: MachineFacts
  readonly authority: Authority
}

/** What a group that owns a volume may do with its files. Source: k8s.io/kubernetes/pkg/volume/volume_linux.go. */
const GROUP_READS = 0o440
/** A token is its owner's alone where it is known who that is. */
const TOKEN_MODE = 0o600

/** Fails with `InvalidFieldPath` for a field that pods do not have. */
export function fileContents(volume: FilesPlan, inputs: FileInputs): readonly FileContent[] {
  const shared = inputs.pod.fsGroup !== undefined
  const user = commonUser(inputs.pod)
  return volume.files.map(file => {
    const token = 'token' in file
    const mode = token && (shared || user !== undefined) ? TOKEN_MODE : file.mode
    return {
      path: file.path,
      mode: shared ? mode | GROUP_READS : mode,
      content: contentOf(file, inputs),
      ...(token && user !== undefined ? { owner: user } : {}),
    }
  })
}

/** The user that every container of the pod runs as, where the manifest says so. Source: pkg/kubelet/util, FsUserFrom. */
function commonUser(pod: PodPlan): number | undefined {
  const users = new Set(pod.members.map(member => member.security.user))
  return users.size === 1 ? [...users][0] : undefined
}

function contentOf(file: FilePlan, { pod, facts, machine, authority }: FileInputs): string | Uint8Array {
  if ('text' in file || 'base64' in file) return contentData(file)
  if ('stored' in file) throw new KubeError('VolumeNotReady', `file ${file.path}: what it is made of is gone`)
  if ('resource' in file) return resourceValue(file.resource, pod, machine)
  if ('certificate' in file) return authority.certificate()
  if ('token' in file) {
    const serviceAccount = pod.pod.spec?.serviceAccountName || 'default'
    return authority.token({ ...file.token, serviceAccount })
  }
  const value = fieldValue(file.field, pod, facts, machine)
  if (value === undefined) {
    throw new KubeError('InvalidFieldPath', `file ${file.path}: the pod has no field ${file.field}`)
  }
  return value
}

/** The contents of all such volumes of a pod, by volume. */
export function podFileContents(inputs: FileInputs): Readonly<Record<string, readonly FileContent[]>> {
  return Object.fromEntries(
    inputs.pod.volumes.flatMap(volume =>
      volume.kind === 'files' ? [[volume.name, fileContents(volume, inputs)] as const] : [],
    ),
  )
}
