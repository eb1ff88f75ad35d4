/** What only the machine knows when a pod is made: the inputs that turn a plan into OCI runtime specs and status. */
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
  readonly seLinux: boolean
  /** OCI architecture names of the seccomp filter: `SCMP_ARCH_X86_64` and its compatible ones. */
  readonly architecture: string
  /** Nameservers, search list and options of the machine's own resolv.conf (never a loopback stub of systemd-resolved). */
  readonly resolv: { readonly nameservers: readonly string[]; readonly searches: readonly string[]; readonly options: readonly string[] }
  /** Where Localhost seccomp profiles are looked up. Default `/var/lib/kubelet/seccomp`, as podman's. */
  readonly seccompRoot: string
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
  /** The infra container's process; its `/proc/PID/ns/*` are what members join. Absent while planning the infra container itself. */
  readonly infraPid?: number
  /** Path of the pod's cgroup, below the hierarchy's root: `/kube/pod<uid>`. */
  readonly cgroupPath: string
  /** The absolute path of each volume of the plan, ready to be bind-mounted. */
  readonly volumePaths: Readonly<Record<VolumePlan['name'], string>>
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
  /** How many times the container was restarted. */
  readonly attempt: number
}

export interface ResolvedUser {
  readonly uid: number
  readonly gid: number
  readonly additionalGids: readonly number[]
  /** From passwd; `/` when the user has none. */
  readonly home: string
}
