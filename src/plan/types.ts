/**
 * The plan: what should exist for a set of manifests, as plain data. It is made without looking at the machine, so the
 * same manifest gives the same bytes anywhere. What only the machine knows (an image's config, the pod's address and
 * uid) is left as a reference and resolved by `oci-spec.ts` when the container is made.
 */
import type { V1Container, V1Pod } from '@kubernetes/client-node'
import type { KeyContent } from './key-content.ts'

/** A kernel namespace a pod's processes can share. */
export type NamespaceKind = 'net' | 'ipc' | 'uts' | 'pid' | 'mount' | 'cgroup' | 'user'

/** `owns`: a new one is made for it; `joins`: the infra container's; `host`: the machine's. */
export type NamespaceSource = 'owns' | 'joins' | 'host'

export type NamespacePlan = Readonly<Partial<Record<NamespaceKind, NamespaceSource>>>

export interface AppPlan {
  readonly pods: readonly PodPlan[]
}

/** How much of what it may use a pod has asked for: it decides who is killed first when memory runs out. */
export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

export interface PodPlan {
  readonly namespace: string
  readonly name: string
  /** The workload the pod was made for; absent for a Pod of the manifest itself. */
  readonly owner?: { readonly kind: string; readonly name: string }
  /** The Pod with all defaults filled in: what `kube get` shows and status is computed from. */
  readonly pod: V1Pod
  /**
   * Of everything that decides what exists: two plans with the same hash need no change, but for the files of volumes that
   * follow their ConfigMap or Secret, which a running pod gets without being made again.
   */
  readonly hash: string
  /** The kernel's host name in the pod's uts namespace, at most 64 bytes; empty on the machine's own (hostNetwork). */
  readonly hostname: string
  readonly qosClass: QosClass
  readonly infra: InfraPlan
  /** In the manifest's order: init containers first. */
  readonly members: readonly MemberPlan[]
  readonly volumes: readonly VolumePlan[]
  /** Limits of the pod's own cgroup, the parent of its members'. */
  readonly resources: ResourcePlan
  /** Group that owns the pod's volumes (`fsGroup`), and whether a volume whose root has it already is left alone. */
  readonly fsGroup?: { readonly gid: number; readonly changePolicy: 'Always' | 'OnRootMismatch' }
  /** `host`: the machine's own network namespace; `bridge`: an address on the named network. */
  readonly network: { readonly mode: 'host' } | { readonly mode: 'bridge'; readonly network: string }
  readonly ports: readonly PortPlan[]
  /** Seconds between the stop signal and SIGKILL; 0 kills at once. Default 30. Source: k8s.io/api/core/v1 PodSpec. */
  readonly terminationGracePeriodSeconds: number
  readonly hosts: HostsPlan
  readonly dns: DnsPlan
  /** What `imagePullSecrets` hold: texts of docker's config.json, in the order in which they are tried. */
  readonly registryAuths: readonly string[]
  /** A user namespace of the pod's own: `hostUsers: false`. */
  readonly userNamespace: boolean
  /** The image's own /etc/hostname is left alone. */
  readonly imageHostname?: true
  /** Where its containers' output goes. Default: into a file, without a limit. */
  readonly logging?: LoggingPlan
  /** The OCI runtime that `runtimeClassName` leads to; absent for the default one. */
  readonly runtimeClass?: string
}

/** `journald`: into the file, and into the machine's journal too; `none`: nowhere. */
export interface LoggingPlan {
  readonly driver: 'k8s-file' | 'journald' | 'none'
  /** Bytes at which a log begins anew. */
  readonly maxSizeBytes?: number
  /** What the journal's entries are tagged with. */
  readonly tag?: string
}

/** What is asked of all pods that is in no manifest. */
export interface PodSettings {
  /** The images' own /etc/hosts and /etc/hostname are left alone. */
  readonly imageHosts?: true
  readonly imageHostname?: true
  readonly logging?: LoggingPlan
}

/** The pause container: it holds the namespaces that the members join, and reaps orphans when they share its pid namespace. */
export interface InfraPlan {
  readonly namespaces: NamespacePlan
  /** Kernel parameters of the pod's namespaces, `net.ipv4.ip_unprivileged_port_start` and so on. */
  readonly sysctls: Readonly<Record<string, string>>
}

/** `ephemeral`: added to a running pod, never started again. */
export type MemberRole = 'init' | 'sidecar' | 'main' | 'ephemeral'

export interface MemberPlan {
  readonly name: string
  readonly role: MemberRole
  /** As the manifest writes it. */
  readonly image: string
  readonly pullPolicy: PullPolicy
  readonly namespaces: NamespacePlan
  /** Replaces the image's ENTRYPOINT, before `$(VAR)` expansion. */
  readonly command?: readonly string[]
  /** Replaces the image's CMD, before `$(VAR)` expansion. */
  readonly args?: readonly string[]
  readonly workingDir?: string
  /** In the order in which a later one may refer to an earlier one: envFrom, then env. */
  readonly env: readonly EnvPlan[]
  /** Whether the namespace's Services appear as variables: `enableServiceLinks`. */
  readonly serviceLinks: boolean
  readonly mounts: readonly MountPlan[]
  readonly devices: readonly DevicePlan[]
  /** Devices by name: `vendor.com/class=device`, `podman.io/device=/dev/path`. Absent: none. */
  readonly deviceNames?: readonly string[]
  readonly resources: ResourcePlan
  readonly security: SecurityPlan
  /** `tty`. */
  readonly terminal: boolean
  readonly stdin: boolean
  /** The first `attach` that ends also closes the container's standard input. */
  readonly stdinOnce: boolean
  /** Absolute path, in the container, of the file whose content tells why it ended. */
  readonly terminationMessagePath: string
  /** Signal that asks it to end, `SIGTERM` and so on; absent: the image's, else SIGTERM. */
  readonly stopSignal?: string
  /** The container whose processes it sees: of an ephemeral one. */
  readonly target?: string
  readonly container: V1Container
}

export type PullPolicy = 'Always' | 'IfNotPresent' | 'Never'

/**
 * A variable. `value` still holds its `$(VAR)` references; `text` came from a ConfigMap or Secret and is taken as it is;
 * `field` is read from the running pod, `resource` from a container's limits, `file` from a volume at start.
 */
export type EnvPlan =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly text: string; readonly source: EnvSource }
  | { readonly name: string; readonly field: string }
  | { readonly name: string; readonly resource: ResourceRef }
  | { readonly name: string; readonly file: EnvFileRef }

export interface EnvSource {
  readonly kind: 'ConfigMap' | 'Secret'
  readonly name: string
  readonly key: string
}

/** `limits.cpu` and so on of a container of the pod, divided by a quantity and rounded up. */
export interface ResourceRef {
  readonly container: string
  readonly resource: string
  readonly divisor: string
}

/** A variable of an env file in an emptyDir volume: `fileKeyRef`. */
export interface EnvFileRef {
  readonly volume: string
  readonly path: string
  readonly key: string
  readonly optional: boolean
}

export interface MountPlan {
  readonly volume: string
  readonly destination: string
  readonly readOnly: boolean
  /** Whether mounts below it become read-only too; `IfPossible` where the kernel can. */
  readonly recursiveReadOnly: 'Disabled' | 'IfPossible' | 'Enabled'
  /** A relative path in the volume; without `..`. */
  readonly subPath?: string
  /** The same with `$(VAR)` references, which `expandSubPath` resolves. */
  readonly subPathExpr?: string
  readonly propagation: 'private' | 'rslave' | 'rshared'
}

/** A block device of a volume, seen at a path: `volumeDevices`. */
export interface DevicePlan {
  readonly volume: string
  readonly destination: string
}

export type VolumePlan = EmptyDirPlan | HostPathPlan | FilesPlan | ClaimPlan | ImageVolumePlan

export interface EmptyDirPlan {
  readonly name: string
  readonly kind: 'emptyDir'
  readonly medium: 'disk' | 'memory' | 'hugepages'
  readonly sizeLimitBytes?: number
  /** Of huge pages; absent: the machine's default size. */
  readonly pageSizeBytes?: number
}

export interface HostPathPlan {
  readonly name: string
  readonly kind: 'hostPath'
  /** Absolute; one relative to the manifest has been resolved. */
  readonly path: string
  /** Empty: no check. */
  readonly type: HostPathType
}

export type HostPathType =
  | ''
  | 'DirectoryOrCreate'
  | 'Directory'
  | 'FileOrCreate'
  | 'File'
  | 'Socket'
  | 'CharDevice'
  | 'BlockDevice'

/** A directory of files that are replaced all at once: configMap, secret, downwardAPI and projected. */
export interface FilesPlan {
  readonly name: string
  readonly kind: 'files'
  readonly source: 'configMap' | 'secret' | 'downwardAPI' | 'projected'
  /** `memory` when a file holds a secret: it must not reach a disk. */
  readonly medium: 'disk' | 'memory'
  /** `defaultMode`. */
  readonly mode: number
  readonly files: readonly FilePlan[]
}

/**
 * A file of a volume: what a key holds, or what is made when the volume is. `field` and `resource` are the downward API's,
 * `token` a service account's, `certificate` that of the authority which signed it. `stored`: the content is in its
 * object only.
 */
export type FilePlan = { readonly path: string; readonly mode: number } & (
  | (KeyContent & { readonly secret?: boolean })
  | { readonly field: string }
  | { readonly resource: ResourceRef }
  | { readonly token: { readonly audience: string; readonly expirationSeconds: number } }
  | { readonly certificate: 'authority' }
  | { readonly stored: true; readonly secret?: boolean }
)

/** Storage that outlives the pod. */
export interface ClaimPlan {
  readonly name: string
  readonly kind: 'claim'
  readonly namespace: string
  readonly claim: string
  /** A path of the machine when the claim is bound to such a PersistentVolume; otherwise a directory of kube's own. */
  readonly path?: string
  readonly pathType?: HostPathType
  readonly readOnly: boolean
  /** Made for this pod and removed with it: an `ephemeral` volume. */
  readonly ephemeral: boolean
  /** Access mode ReadWriteOncePod: one pod at a time. */
  readonly exclusive?: boolean
  /** `volumeMode: Block`: a block device and not a directory. */
  readonly block: boolean
  /** Who owns a directory that is made for it; absent: root. From podman's annotations of the claim. */
  readonly uid?: number
  readonly gid?: number
  /** What the claim asks for; a directory has no size of its own to keep it to. */
  readonly sizeBytes?: number
}

/** The file tree of an image, read-only. */
export interface ImageVolumePlan {
  readonly name: string
  readonly kind: 'image'
  readonly reference: string
  readonly pullPolicy: PullPolicy
}

/** A port of the host that leads to the pod. */
export interface PortPlan {
  readonly container: string
  readonly hostIp: string
  readonly hostPort: number
  readonly containerPort: number
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
}

/** Cgroup limits; an absent one is unlimited. */
export interface ResourcePlan {
  /** Relative CPU weight, 2..262144, in cgroup v1's unit. */
  readonly cpuShares: number
  /** Microseconds of CPU time per `cpuPeriodUs`. */
  readonly cpuQuotaUs?: number
  readonly cpuPeriodUs?: number
  readonly memoryBytes?: number
  /** What it asked for; with the machine's memory it gives the oom_score_adj. */
  readonly memoryRequestBytes: number
  readonly pidsLimit?: number
  /** Processors and memory nodes it may use: `0-1,3`. */
  readonly cpuset?: string
  readonly memoryNodes?: string
  /** Bytes that the container's writable layer, its logs and its emptyDirs may come to: `ephemeral-storage`. */
  readonly ephemeralStorageBytes?: number
  /** By page size, as the kernel names it: `2MB`. */
  readonly hugepages: Readonly<Record<string, number>>
}

export interface SecurityPlan {
  readonly privileged: boolean
  readonly noNewPrivileges: boolean
  readonly readOnlyRootfs: boolean
  /** Numeric ids; absent ones come from the image. */
  readonly user?: number
  readonly group?: number
  readonly runAsNonRoot: boolean
  /** `supplementalGroups` and `fsGroup`. */
  readonly supplementalGroups: readonly number[]
  /** `Strict`: only those; `Merge`: also the user's groups in the image's /etc/group. */
  readonly supplementalGroupsPolicy: 'Merge' | 'Strict'
  /** Without `CAP_`, sorted. */
  readonly capabilities: readonly string[]
  readonly seccomp: SeccompPlan
  readonly appArmor: AppArmorPlan
  /** `user:role:type:level` parts; absent: chosen by the machine. */
  readonly seLinux?: SeLinuxPlan
  /** Whether /proc is left without masked and read-only paths. */
  readonly unmaskedProc: boolean
  /** `ulimit` of podman's annotation. */
  readonly rlimits: readonly RlimitPlan[]
}

export type SeccompPlan =
  | { readonly type: 'RuntimeDefault' | 'Unconfined' }
  | {
      readonly type: 'Localhost'
      readonly profile: string
      /** Absolute directory that the profile is below; absent: the machine's usual one. */
      readonly root?: string
    }

/** `profile` is the name of one that the machine has loaded. */
export type AppArmorPlan = SeccompPlan

export interface SeLinuxPlan {
  readonly user?: string
  readonly role?: string
  readonly type?: string
  readonly level?: string
}

export interface RlimitPlan {
  /** `nofile` and so on, without `RLIMIT_`. */
  readonly name: string
  readonly soft: number
  readonly hard: number
}

export interface HostsPlan {
  /** False: the image's own /etc/hosts is left alone. */
  readonly managed: boolean
  readonly aliases: readonly { readonly ip: string; readonly hostnames: readonly string[] }[]
  /** The name without a domain. */
  readonly hostname: string
  /** `SUBDOMAIN.NAMESPACE.svc.DOMAIN` of a pod with a subdomain. */
  readonly domain?: string
}

export interface DnsPlan {
  readonly policy: 'ClusterFirst' | 'ClusterFirstWithHostNet' | 'Default' | 'None'
  /** Of `dnsConfig`: added to what the policy gives. */
  readonly nameservers: readonly string[]
  readonly searches: readonly string[]
  /** `name` or `name:value`. */
  readonly options: readonly string[]
}
