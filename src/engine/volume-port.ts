/** Directories, files and mounts of pods, as the engine asks for them. */
import type { DeviceFacts, PodFacts } from '../plan/facts.ts'
import type { FileContent } from '../plan/file-contents.ts'
import type { MemberPlan, PodPlan } from '../plan/types.ts'
import type { ClaimVolumes } from './claim-port.ts'

/** The contents of the volumes that are made of files, by volume. */
export type VolumeFiles = Readonly<Record<string, readonly FileContent[]>>

export interface UserNamespace {
  /** Leads to `/proc/PID/ns/user`. */
  readonly path: string
  /** Who its root is on the machine. */
  readonly rootId: number
}

export interface SubPathRequest {
  readonly container: string
  /** Of the mount among the container's own. */
  readonly index: number
  /** The volume's name. */
  readonly volume: string
  /** Below it. */
  readonly path: string
}

/** Directories, files and mounts of pods. */
export interface VolumePort extends ClaimVolumes {
  /** Directories, shared memory and volumes. Fails with `HostPathMissing`, `HostPathWrongType`. */
  makeSandbox(uid: string, plan: PodPlan, files: VolumeFiles): Promise<void>
  /** The directory of a container's logs and its termination message, empty again. */
  makeContainerFiles(uid: string, container: string): void
  /** Replaces the files of the pod's volumes, each volume's all at once. Whether any of them was another. */
  updateFiles(uid: string, plan: PodPlan, files: VolumeFiles): boolean
  /** hosts, hostname, resolv.conf. */
  writeSandboxFiles(uid: string, files: Readonly<Record<string, string>>): void
  removeSandbox(uid: string): Promise<void>
  hasSandbox(uid: string): boolean
  volumePaths(uid: string, plan: PodPlan): PodFacts['volumePaths']
  /** Mounts a part of a volume where only kube reaches it, and returns that path. Fails with `SubPathEscapes`. */
  bindSubPath(uid: string, plan: PodPlan, request: SubPathRequest, users?: UserNamespace): string
  /** A small text file of a volume, never following a link out of it; undefined when absent. */
  readVolumeText(uid: string, volume: string, path: string): string | undefined
  /** Bytes on the disk that a volume of the pod's own takes up. */
  volumeUsage(uid: string, volume: string): Promise<number>
  /** The same of what a container has written: its layer and its logs. */
  containerUsage(uid: string, container: string): Promise<number>
  /** Fails with `NotABlockDevice`. */
  blockDevice(path: string): DeviceFacts
  /** Where the pod's infra container finds its root file system. */
  infraRootfs(uid: string): string
  /** Makes the volumes of a pod with a user namespace of its own usable there. Fails with `CannotMapOwners`. */
  mapVolumes(uid: string, plan: PodPlan, users: UserNamespace): void
  /** `users`: of a pod that has its own. */
  mountRootfs(uid: string, plan: PodPlan, member: MemberPlan, users?: UserNamespace): Promise<void>
  unmountRootfs(uid: string, container: string): Promise<void>
  isMounted(uid: string, container: string): boolean
  rootfsPath(uid: string, container: string): string
  /** A small text file of the image, such as etc/passwd, never following a link out of it; `` when absent. */
  readRootfsText(uid: string, container: string, path: string): string
  sandboxDir(uid: string): string
  terminationLog(uid: string, container: string): string
  /** What is mounted for the pod. */
  mounts(uid: string): readonly { readonly path: string; readonly type: string; readonly source: string }[]
  /** Takes away what all pods share: no pod is left. */
  release(): void
}
