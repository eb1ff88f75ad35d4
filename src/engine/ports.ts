/**
 * What the engine needs of a machine, as interfaces. The real adapters are in `host/`, an in-memory one in
 * `fake-host.ts`. Every *add* has a *remove*, and removing what is absent succeeds.
 */
import type { CgroupSetting } from '../plan/cgroup-settings.ts'
import type { DeviceEdits, MachineFacts } from '../plan/facts.ts'
import type { Authority } from '../plan/file-contents.ts'
import type { OciSpec } from '../plan/oci-types.ts'
import type { LoggingPlan, PodPlan, PodSettings, PortPlan } from '../plan/types.ts'
import type { ContainerLifecycle } from '../reconcile/lifecycle.ts'
import type { ObservedContainer } from '../reconcile/observed.ts'
import type { BackoffLimits } from '../reconcile/restart.ts'
import type { Progress } from '../workloads/types.ts'
import type { DoomedClaims } from './claim-port.ts'
import type { HandlerPort } from './handler-port.ts'
import type { ImagePort } from './image-port.ts'
import type { VolumePort } from './volume-port.ts'

export type { HandlerOutcome, HandlerPort, HandlerRequest } from './handler-port.ts'
export type { EngineImage, ImagePort, RegistrySettings } from './image-port.ts'
export type { SubPathRequest, UserNamespace, VolumeFiles, VolumePort } from './volume-port.ts'

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
  readonly failure?: PodFailure
  /** What somebody outside set; the others follow from what the pod does. Absent: nothing. */
  readonly conditions?: readonly PodCondition[]
  /** Somebody wants its containers not to run, whatever its restart policy says. Absent: they are to run. */
  readonly stopped?: true
  /** It is over, and its namespaces, its address (this one) and its ports are given back. Absent: they are its own. */
  readonly ended?: { readonly address?: string }
  /** The process that is making it; absent once it is complete. A dead one left it half made. */
  readonly builder?: ProcessIdentity
  /** By name. */
  readonly containers: Readonly<Record<string, ContainerRecord>>
}

/** A condition of a pod that nothing here decides, such as one that its readiness gates wait for. */
export interface PodCondition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason?: string
  readonly message?: string
  /** RFC 3339. */
  readonly lastTransitionTime: string
}

export interface PodFailure {
  /** `DeadlineExceeded`, `Evicted`. */
  readonly reason: string
  readonly message: string
}

export interface ContainerRecord {
  readonly id: string
  readonly name: string
  /** 0 for the first run, then the number of restarts. */
  readonly attempt: number
  readonly imageId: string
  /** Who its first process runs as; absent in records of earlier versions. */
  readonly user?: { readonly uid: number; readonly gid: number; readonly supplementalGroups: readonly number[] }
  /** RFC 3339. */
  readonly createdAt: string
  /** Once its command was started. RFC 3339. */
  readonly startedAt?: string
  /** Its first process. */
  readonly process?: ProcessIdentity
  readonly lifecycle?: ContainerLifecycle
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
  /** uid of the object whose controller made it; absent for what a manifest says. */
  readonly owner?: string
  readonly origin?: ObjectOrigin
  /** What its controller remembers. */
  readonly progress?: Progress
}

/** Where a manifest came from, as far as pods that are made later have to know. */
export interface ObjectOrigin {
  /** Absolute directory that relative host paths start from. */
  readonly baseDir?: string
  /** Absolute directory of the seccomp profiles that pods name. */
  readonly seccompRoot?: string
  readonly settings?: PodSettings
  /** The manifest says no number of replicas: one that `kube scale` set stays. */
  readonly leavesReplicas?: true
  /** The manifest does not say whether it is paused: what `kube rollout pause` set stays. */
  readonly leavesPaused?: true
}

/** Something that happened to an object. */
export interface NewEvent {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  /** Of the object. */
  readonly uid: string
  /** Part of the object it is about: `spec.containers{web}`. */
  readonly fieldPath?: string
  readonly type: 'Normal' | 'Warning'
  /** One word: `Started`, `BackOff`, `Unhealthy`. */
  readonly reason: string
  readonly message: string
  /** RFC 3339. */
  readonly at: string
}

export interface EventRecord extends NewEvent {
  /** Grows with time. */
  readonly serial: number
  /** How often it happened: the same event again counts up instead of being told anew. */
  readonly count: number
  /** The last time. `at` is the first. RFC 3339. */
  readonly lastAt: string
}

/** Records. Everything here is synchronous and atomic. */
export interface StatePort extends DoomedClaims {
  addEvent(event: NewEvent): void
  /** Oldest first; with `after`, those that came or changed since that serial. */
  events(filter?: { readonly after?: number; readonly uid?: string }): readonly EventRecord[]
  /** On a full disk: gives back what is kept for removals. To be called before one. */
  makeRoom(): void
  apps(): readonly AppRecord[]
  app(name: string): AppRecord | undefined
  putApp(app: AppRecord): void
  /** Forgets the app and its objects; its pods must be gone. */
  removeApp(name: string): void
  /** What manifests say; with `made` also what controllers made of it. */
  objects(filter?: {
    readonly app?: string
    readonly kind?: string
    readonly namespace?: string
    readonly made?: boolean
  }): readonly ObjectRecord[]
  /**
   * Replaces all objects that an app's manifests say; what controllers made goes with its owner. What controllers
   * remember stays. Fails with `ObjectOwned` when one belongs to another app.
   */
  putObjects(app: string, objects: readonly ObjectRecord[]): void
  /** Fails as `putObjects` would. Changes nothing. */
  checkObjects(objects: readonly ObjectRecord[]): void
  /** Adds or replaces one object. */
  putObject(object: ObjectRecord): void
  /** Forgets one object, and what its controller made. */
  removeObject(uid: string): void
  /** Nothing when the object is gone. */
  setProgress(uid: string, progress: Progress): void
  pods(filter?: { readonly app?: string }): readonly PodRecord[]
  pod(uid: string): PodRecord | undefined
  /**
   * Records new pods and leases their addresses and ports, all or nothing. Fails with `PodExists`, `PortInUse`,
   * `NetworkFull`, before anything was made.
   */
  addPods(app: string, pods: readonly { readonly uid: string; readonly plan: PodPlan }[]): void
  /** Fails as `addPods` would, as if the pods `except` were gone already. Changes nothing. */
  checkPods(plans: readonly PodPlan[], except: ReadonlySet<string>): void
  /** The app's pods are complete, or one of them. */
  markBuilt(app: string, uid?: string): void
  markRemoving(uid: string): void
  setInfra(uid: string, infra: ProcessIdentity): void
  putContainer(uid: string, container: ContainerRecord): void
  /** Changes a run's life without touching anything else; nothing when that run is over. */
  setLifecycle(uid: string, container: string, attempt: number, lifecycle: ContainerLifecycle): void
  container(uid: string, name: string): ContainerRecord | undefined
  /** Whether the pod's containers are not to run until somebody says so again. */
  setStopped(uid: string, stopped: boolean): void
  /** Gives the address and the ports of a pod that is over back, and forgets its infra container. */
  endPod(uid: string): void
  /** Leases them anew, the old address if nobody has it. Fails with `PortInUse`, `NetworkFull`. */
  reviveEnded(uid: string): void
  /** All that somebody outside has to say of a pod. */
  setConditions(uid: string, conditions: readonly PodCondition[]): void
  /** The pod has failed as a whole: none of its containers is started again. */
  setFailure(uid: string, failure: PodFailure): void
  /** Of a pod that stays, with what may change about it: the contents of its files, its ephemeral containers. */
  setPlan(uid: string, plan: PodPlan): void
  removePod(uid: string): void
  /** Every port and every address leased, with its pod. */
  ports(): readonly (PortPlan & { readonly uid: string; readonly address: string })[]
  addresses(): readonly { readonly uid: string; readonly address: string }[]
  /**
   * Claims an app for this process, until released or until the process ends. Returns who holds it otherwise, or who is to
   * have it next. `waits`: this process asks until it gets it, and whoever has it should know. Default false.
   */
  claimApp(name: string, waits?: boolean): { readonly heldBy?: number }
  /** Whether another process waits for the app. */
  isAppWanted(name: string): boolean
  /** Takes back a wait as well. */
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
  /** Puts back what someone else took away from pods that run: bridge, links on it, rules. The caller holds the lock. */
  repair(uids: readonly string[]): Promise<void>
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
  startInfra(id: string, options: Pick<CreateOptions, 'uid' | 'spec' | 'runtimeClass'>): Promise<StartedProcess>
  stopInfra(id: string): Promise<void>
  /** Everything set up, the command not yet running. Fails with `CommandNotFound`, `CommandNotExecutable`, `CreateFailed`. */
  create(id: string, options: CreateOptions): Promise<StartedProcess>
  /** The path of a link to the `/proc/PID` of an infra container, which is there when that runs. */
  infraProcess(id: string): string
  start(id: string): Promise<void>
  /** Stop signal, `graceSeconds`, SIGKILL; returns when the container ended and its monitor wrote that down. */
  stop(
    id: string,
    process: ProcessIdentity,
    options: { readonly signal: string; readonly graceSeconds: number },
  ): Promise<void>
  /**
   * The turn to end the container, until disposed of or until this process ends, however it ends; undefined while another
   * one has it, here or in another process.
   */
  stopTurn(id: string): Disposable | undefined
  /** Waits until the container's process ended, or the signal. */
  ended(id: string, process: ProcessIdentity, signal?: AbortSignal): Promise<void>
  remove(id: string): Promise<void>
  observe(id: string, process: ProcessIdentity | undefined, started: boolean): Omit<ObservedContainer, 'id' | 'rootfs'>
  /** Fails with `RuntimeClassNotFound`. */
  requireRuntime(runtimeClass: string): void
  isAlive(process: ProcessIdentity): boolean
  /** Whether the machine was started anew since the process was. */
  hasRebooted(process: ProcessIdentity): boolean
  /** From now on the end of the pod's containers wakes nobody: it is being removed. */
  hush(uid: string): void
  /** A pod's own cgroup, with limits for all its containers together. Fails with `LimitNotSupported`. */
  makeCgroup(path: string, settings: readonly CgroupSetting[]): void
  /** Ends what is still in it. */
  removeCgroup(path: string): Promise<void>
}

export interface CreateOptions {
  /** Of its pod. */
  readonly uid: string
  readonly spec: OciSpec
  /** Another OCI runtime than the default one. */
  readonly runtimeClass?: string
  readonly name: string
  readonly logFile: string
  /** Default: into the file, without a limit. */
  readonly logging?: LoggingPlan
  readonly terminal: boolean
  readonly stdin: boolean
  /** The first who attaches to it closes it for good. */
  readonly stdinOnce: boolean
  /** A program that the monitor runs when the container has ended, with its arguments. */
  readonly onExit?: readonly string[]
  /** What the container needs before it can be created; its monitor is started meanwhile. Default: nothing. */
  readonly ready?: Promise<void> | undefined
}

export interface Host {
  readonly handlers: HandlerPort
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
  /** The authority of a cluster that the pod is a part of. */
  authorityFor(uid: string, plan: PodPlan): Authority
  /** What devices that a container names add to it. Fails with `DeviceNotFound`. */
  deviceEdits(names: readonly string[]): Promise<DeviceEdits>
  /** A Localhost seccomp profile, by absolute path. Fails with `SeccompProfileMissing`, `SeccompProfileInvalid`. */
  seccompProfile(path: string): object
  readonly backoff: BackoffLimits
  /**
   * Starts the supervisor if one of the pods needs it and none runs; one that runs looks at everything again. `always`:
   * there is work for it in any case.
   */
  wakeSupervisor(pods: readonly PodRecord[] | 'always'): void
  /** Ends the supervisor and waits for that: no pod is left. */
  dismissSupervisor(): Promise<void>
  /** What a monitor runs when a container of the pod has ended: it wakes the supervisor. */
  exitCommand(uid: string, id: string): readonly string[]
  /** RFC 3339 with nanoseconds cut to microseconds. */
  now(): string
  newUid(): string
  containerId(uid: string, container: string, attempt: number): string
  infraId(uid: string): string
  /** The one that is written to; older ones of the same run stand beside it. */
  logFile(uid: string, container: string, attempt: number): string
  /** All files of one run's log. */
  removeLog(uid: string, container: string, attempt: number): void
  /** Fails with `PortInUse` when a program of the machine holds the port. */
  checkPortFree(plan: PodPlan, port: PortPlan): void
  /** Excludes other commands from what all pods share: bridge, firewall, mounts. Held for moments only. */
  lock(): Promise<Disposable>
  close(): void
}
