/**
 * What the engine needs of a machine, as interfaces. The real adapters are in `host/`, an in-memory one in
 * `fake-host.ts`; both pass the same contract suites. Every *add* has a *remove*, and removing what is absent succeeds.
 */
import type { ImageDefaults, MachineFacts, PodFacts } from '../plan/facts.ts'
import type { OciSpec } from '../plan/oci-types.ts'
import type { MemberPlan, PodPlan, PortPlan } from '../plan/types.ts'
import type { ObservedContainer } from '../reconcile/observed.ts'

/** `PID:START:BOOT`, so that a process is never taken for a later one with the same number. */
export type ProcessIdentity = string

/** A pod that was begun: the first thing written and the last thing removed. */
export interface PodRecord {
  readonly uid: string
  readonly app: string
  readonly plan: PodPlan
  readonly removing: boolean
  /** RFC 3339. */
  readonly createdAt: string
  /** The pod's own address; absent on the machine's network. */
  readonly address?: string
  readonly infra?: ProcessIdentity
  /** The process that is making it; absent once it is complete. A dead one left it half made. */
  readonly builder?: ProcessIdentity
  /** By name. */
  readonly containers: Readonly<Record<string, ContainerRecord>>
}

export interface ContainerRecord {
  readonly id: string
  readonly name: string
  /** 0 for the first run, then the number of restarts. */
  readonly attempt: number
  readonly imageId: string
  /** RFC 3339. */
  readonly createdAt: string
  /** Once its command was started. RFC 3339. */
  readonly startedAt?: string
  /** Its first process. */
  readonly process?: ProcessIdentity
}

export interface AppRecord {
  readonly name: string
  /** Absolute path of the manifest or directory; a URL; or `-`. */
  readonly source: string
  readonly createdAt: string
}

/** An API object as its app gave it. */
export interface ObjectRecord {
  readonly app: string
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly createdAt: string
  readonly value: object
}

/** Records. Everything here is synchronous and atomic. */
export interface StatePort {
  apps(): readonly AppRecord[]
  app(name: string): AppRecord | undefined
  putApp(app: AppRecord): void
  /** Forgets the app and its objects; its pods must be gone. */
  removeApp(name: string): void
  objects(filter?: {
    readonly app?: string
    readonly kind?: string
    readonly namespace?: string
  }): readonly ObjectRecord[]
  /** Replaces all objects of an app. Fails with `ObjectOwned` when one belongs to another app. */
  putObjects(app: string, objects: readonly ObjectRecord[]): void
  pods(filter?: { readonly app?: string }): readonly PodRecord[]
  pod(uid: string): PodRecord | undefined
  /**
   * Records new pods and leases their addresses and ports, all or nothing. Fails with `PodExists`, `PortInUse`,
   * `NetworkFull`, before anything was made.
   */
  addPods(app: string, pods: readonly { readonly uid: string; readonly plan: PodPlan }[]): void
  /** Fails as `addPods` would, as if the pods `except` were gone already. Changes nothing. */
  checkPods(plans: readonly PodPlan[], except: ReadonlySet<string>): void
  /** The app's pods are complete. */
  markBuilt(app: string): void
  markRemoving(uid: string): void
  setInfra(uid: string, infra: ProcessIdentity): void
  putContainer(uid: string, container: ContainerRecord): void
  removePod(uid: string): void
  /** Every port leased, with the pod it leads to. */
  ports(): readonly (PortPlan & { readonly uid: string; readonly address: string })[]
  /** Claims an app for this process, until released or until the process ends. Returns who holds it otherwise. */
  claimApp(name: string): { readonly heldBy?: number }
  releaseApp(name: string): void
}

/** Links, addresses, routes and published ports. */
export interface NetworkPort {
  /** Makes the bridge if it isn't there. */
  prepare(): Promise<void>
  /** Interface, address and routes for the pod's network namespace. */
  attach(uid: string, infraPid: number, address: string): Promise<void>
  detach(uid: string): Promise<void>
  isAttached(uid: string): boolean
  /** Makes the firewall what the leased ports call for. The caller holds the machine's lock. */
  publish(): Promise<void>
  /** Takes the bridge and the firewall rules away. The caller holds the machine's lock. */
  remove(): Promise<void>
  close(): void
}

export interface StartedProcess {
  readonly pid: number
  readonly identity: ProcessIdentity
}

/** The OCI runtime and its monitor. */
export interface RuntimePort {
  /** What must be so before any container starts, such as a cgroup hierarchy the OCI runtime can use. */
  prepare(): Promise<void>
  /** Undoes `prepare`: no container is left. */
  release(): Promise<void>
  startInfra(id: string, spec: OciSpec): Promise<StartedProcess>
  stopInfra(id: string): Promise<void>
  /** Everything set up, the command not yet running. Fails with `CommandNotFound`, `CommandNotExecutable`, `CreateFailed`. */
  create(id: string, options: CreateOptions): Promise<StartedProcess>
  start(id: string): Promise<void>
  /** Stop signal, `graceSeconds`, SIGKILL; returns when the container ended and its monitor wrote that down. */
  stop(
    id: string,
    process: ProcessIdentity,
    options: { readonly signal: string; readonly graceSeconds: number },
  ): Promise<void>
  /** Waits until the container's process ended, or the signal. */
  ended(id: string, process: ProcessIdentity, signal?: AbortSignal): Promise<void>
  remove(id: string): Promise<void>
  observe(id: string, process: ProcessIdentity | undefined, started: boolean): Omit<ObservedContainer, 'id' | 'rootfs'>
  isAlive(process: ProcessIdentity): boolean
  removeCgroup(path: string): void
}

export interface CreateOptions {
  readonly spec: OciSpec
  readonly name: string
  readonly logFile: string
  readonly terminal: boolean
  readonly stdin: boolean
}

/** Directories, files and mounts of pods. */
export interface VolumePort {
  /** Directories, shared memory and volumes. Fails with `HostPathMissing`, `HostPathWrongType`. */
  makeSandbox(uid: string, plan: PodPlan): Promise<void>
  /** hosts, hostname, resolv.conf. */
  writeSandboxFiles(uid: string, files: Readonly<Record<string, string>>): void
  removeSandbox(uid: string): Promise<void>
  hasSandbox(uid: string): boolean
  volumePaths(uid: string, plan: PodPlan): PodFacts['volumePaths']
  mountRootfs(uid: string, member: MemberPlan): Promise<void>
  unmountRootfs(uid: string, container: string): Promise<void>
  isMounted(uid: string, container: string): boolean
  rootfsPath(uid: string, container: string): string
  /** A small text file of the image, such as etc/passwd, never following a link out of it; `` when absent. */
  readRootfsText(uid: string, container: string, path: string): string
  sandboxDir(uid: string): string
  terminationLog(uid: string, container: string): string
}

export interface Host {
  readonly state: StatePort
  readonly network: NetworkPort
  readonly runtime: RuntimePort
  readonly volumes: VolumePort
  readonly images: ImagePort
  readonly machine: MachineFacts
  /** The infra containers' root file system and the path of catatonit. */
  readonly infra: { readonly rootfs: string; readonly catatonit: string }
  /** A pod's cgroup below each hierarchy's root. */
  cgroupPath(uid: string): string
  /** RFC 3339 with nanoseconds cut to microseconds. */
  now(): string
  newUid(): string
  containerId(uid: string, container: string, attempt: number): string
  infraId(uid: string): string
  logFile(uid: string, container: string, attempt: number): string
  /** Fails with `PortInUse` when a program of the machine holds the port. */
  checkPortFree(plan: PodPlan, port: PortPlan): void
  /** Excludes other commands from what all pods share: bridge, firewall, mounts. Held for moments only. */
  lock(): Promise<Disposable>
  close(): void
}

/** What the engine asks of the image store. */
export interface ImagePort {
  find(reference: string): EngineImage | undefined
  pull(reference: string, options: { readonly signal?: AbortSignal }): Promise<EngineImage>
}

export interface EngineImage {
  readonly id: string
  /** Normalized names: `docker.io/library/busybox:1.36`. Default none. */
  readonly references?: readonly string[]
  /** What its registry calls it; absent for an image that never was in one. */
  readonly manifestDigest?: string
  readonly config: ImageDefaults
}
