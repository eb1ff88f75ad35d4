/** What only the machine knows when a pod is made: the inputs that turn a plan into OCI runtime specs and status. */
import type { OciHook, OciMount } from './oci-types.ts'
import type { VolumePlan } from './types.ts'

/** Facts about the machine, the same for every pod. */
export interface MachineFacts {
  /** The machine's host name: `spec.nodeName`. */
  readonly nodeName: string
  /** The machine's own addresses, the one of the default route first: `status.hostIP(s)`. */
  readonly hostIps: readonly string[]
  readonly cgroupVersion: 1 | 2
  /** The container's own hard limits cannot go above these without CAP_SYS_RESOURCE; absent when they can. */
  readonly rlimitCeiling?: { readonly nofile: number; readonly nproc: number }
  /** The lowest oom_score_adj a process may be given; -1000 with CAP_SYS_RESOURCE, else the caller's own. */
  readonly minOomScoreAdj: number
  /** Logical processors, and bytes of memory: what a resourceFieldRef gives when no limit is set. */
  readonly cpus: number
  readonly memoryBytes: number
  readonly seccomp: boolean
  readonly appArmor: boolean
  /** The AppArmor profile of containers whose manifest names none, when it is loaded. Default: none. */
  readonly appArmorDefault?: string | undefined
  readonly seLinux: boolean
  /** OCI architecture names of the seccomp filter: `SCMP_ARCH_X86_64` and its compatible ones. */
  readonly architecture: string
  /** Nameservers, search list and options of the machine's own resolv.conf (never a loopback stub of systemd-resolved). */
  readonly resolv: ResolvFacts
  /** Where Localhost seccomp profiles are looked up. Default `/var/lib/kubelet/seccomp`, as podman's. */
  readonly seccompRoot: string
  /** The machine's own /etc/hosts: what a pod with hostNetwork sees. Default: an empty file. */
  readonly hostsFile?: string
  /** Bytes of free space on the disk that holds containers: `limits.ephemeral-storage` where no limit is set. Default 0. */
  readonly diskBytes?: number
  /** Whether cgroup v1 can limit memory and swap together; v2 always can. Default false. */
  readonly swapAccounting?: boolean
  /**
   * The kernel's capabilities, without `CAP_`: all that a privileged container gets. Default: those that Linux 5.9 has.
   * A caller without one of them cannot hand it on, so it is left out of the container's set.
   */
  readonly capabilities?: readonly string[]
  /** Whether kube runs in a user namespace of its own (as an ordinary user): some mounts and limits are not allowed there. */
  readonly rootless?: boolean
  /** Device nodes of the machine that a privileged container gets. Default none but the usual ones. */
  readonly devices?: readonly DeviceFacts[]
}

export interface ResolvFacts {
  readonly nameservers: readonly string[]
  readonly searches: readonly string[]
  readonly options: readonly string[]
}

export interface DeviceFacts {
  readonly path: string
  readonly type: 'c' | 'b' | 'p'
  readonly major: number
  readonly minor: number
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** What its user may do: some of `rwm`. Default all. */
  readonly access?: string
}

/** What devices that a container asks for by name add to it. */
export interface DeviceEdits {
  /** `NAME=VALUE`. */
  readonly env: readonly string[]
  readonly devices: readonly DeviceFacts[]
  readonly mounts: readonly OciMount[]
  readonly additionalGids: readonly number[]
  readonly hooks: Readonly<Record<string, readonly OciHook[]>>
}

/** Facts about one pod. */
export interface PodFacts {
  readonly uid: string
  /** RFC 3339. */
  readonly createdAt: string
  /** The pod's addresses; the machine's own with hostNetwork. */
  readonly podIps: readonly string[]
  /** Directory of the pod's `hosts`, `hostname`, `resolv.conf` files and its `shm` mount. */
  readonly sandboxDir: string
  /**
   * A path that leads to the infra container's `/proc/PID` once that runs; members join its `ns/*`. Absent while planning the
   * infra container itself.
   */
  readonly infraProcess?: string
  /** Path of the pod's cgroup, below the hierarchy's root: `/kube/pod<uid>`. */
  readonly cgroupPath: string
  /** The absolute path of each volume of the plan, ready to be bind-mounted. */
  readonly volumePaths: Readonly<Record<VolumePlan['name'], string>>
  /** Addresses and ports of the namespace's Services, as variables for containers with `serviceLinks`. Default none. */
  readonly serviceEnv?: Readonly<Record<string, string>>
  /** User namespace mapping of a pod with `userNamespace`. */
  readonly idMappings?: { readonly uids: readonly IdMapping[]; readonly gids: readonly IdMapping[] }
}

export interface IdMapping {
  readonly containerID: number
  readonly hostID: number
  readonly size: number
}

/** Facts about one container. */
export interface ContainerFacts {
  readonly id: string
  /** Absolute path of the mounted root file system. */
  readonly rootfs: string
  /** Numeric ids that the image's user, the manifest's runAsUser and the image's passwd and group files come to. */
  readonly user: ResolvedUser
  /** Absolute path of the file behind `terminationMessagePath`. */
  readonly terminationLog: string
  /** First process of the container that the member's `target` names. */
  readonly targetPid?: number
  /** How many times the container was restarted. */
  readonly attempt: number
  /** For each mount with a subPath, by its destination: the safely resolved absolute path (or fd path) to bind. */
  readonly subPaths?: Readonly<Record<string, string>>
  /** The text of each env file that `fileKeyRef` names, by `VOLUME/PATH`; absent ones are missing. */
  readonly envFiles?: Readonly<Record<string, string>>
  /** The parsed content of the Localhost seccomp profile, from `seccompProfilePath`. */
  readonly seccompProfile?: object
  /** Of the member's `deviceNames`. */
  readonly edits?: DeviceEdits
  /** Block devices behind `volumeDevices`, by volume name. */
  readonly devices?: Readonly<Record<string, DeviceFacts>>
}

export interface ResolvedUser {
  readonly uid: number
  readonly gid: number
  readonly additionalGids: readonly number[]
  /** From passwd; `/` when the user has none. */
  readonly home: string
}

/** What an image's config says of how to run it. Source: OCI image spec, config.md. */
export interface ImageDefaults {
  /** `name`, `name:group`, `1000` or `1000:1000`. */
  readonly user?: string
  /** `NAME=VALUE`. */
  readonly env: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly cmd?: readonly string[]
  readonly workingDir?: string
  readonly stopSignal?: string
}
