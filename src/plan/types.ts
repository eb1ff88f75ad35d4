/**
 * The plan: what should exist for a set of manifests, as plain data. It is made without looking at the machine, so the
 * same manifest gives the same bytes anywhere. What only the machine knows (an image's config, the pod's address and
 * uid) is left as a reference and resolved by `oci-spec.ts` when the container is made.
 */
import type { V1Container, V1Pod } from '@kubernetes/client-node'

/** A kernel namespace a pod's processes can share. */
export type NamespaceKind = 'net' | 'ipc' | 'uts' | 'pid' | 'mount' | 'cgroup' | 'user'

/** `owns`: a new one is made for it; `joins`: the infra container's; `host`: the machine's. */
export type NamespaceSource = 'owns' | 'joins' | 'host'

export type NamespacePlan = Readonly<Partial<Record<NamespaceKind, NamespaceSource>>>

export interface AppPlan {
  readonly pods: readonly PodPlan[]
}

export interface PodPlan {
  readonly namespace: string
  readonly name: string
  /** The workload the pod was made for; absent for a Pod of the manifest itself. */
  readonly owner?: { readonly kind: string; readonly name: string }
  /** The Pod with all defaults filled in: what `kube get` shows and status is computed from. */
  readonly pod: V1Pod
  /** Of everything that decides what exists: two plans with the same hash need no change. */
  readonly hash: string
  readonly hostname: string
  readonly infra: InfraPlan
  /** In the manifest's order: init containers first. */
  readonly members: readonly MemberPlan[]
  readonly volumes: readonly VolumePlan[]
  /** `host`: the machine's own network namespace; `bridge`: an address on the named network. */
  readonly network: { readonly mode: 'host' } | { readonly mode: 'bridge'; readonly network: string }
  readonly ports: readonly PortPlan[]
  /** Seconds between the stop signal and SIGKILL; 0 kills at once. Default 30. Source: k8s.io/api/core/v1 PodSpec. */
  readonly terminationGracePeriodSeconds: number
  readonly hosts: HostsPlan
  readonly dns: DnsPlan
}

/** The pause container: it holds the namespaces that the members join, and reaps orphans when they share its pid namespace. */
export interface InfraPlan {
  readonly namespaces: NamespacePlan
  /** Kernel parameters of the pod's namespaces, `net.ipv4.ip_unprivileged_port_start` and so on. */
  readonly sysctls: Readonly<Record<string, string>>
}

export type MemberRole = 'init' | 'sidecar' | 'main'

export interface MemberPlan {
  readonly name: string
  readonly role: MemberRole
  /** As the manifest writes it. */
  readonly image: string
  readonly pullPolicy: 'Always' | 'IfNotPresent' | 'Never'
  readonly namespaces: NamespacePlan
  /** Replaces the image's ENTRYPOINT, before `$(VAR)` expansion. */
  readonly command?: readonly string[]
  /** Replaces the image's CMD, before `$(VAR)` expansion. */
  readonly args?: readonly string[]
  readonly workingDir?: string
  readonly env: readonly EnvPlan[]
  readonly mounts: readonly MountPlan[]
  readonly resources: ResourcePlan
  readonly security: SecurityPlan
  readonly terminal: boolean
  readonly stdin: boolean
  readonly container: V1Container
}

/** A variable; `value` still holds its `$(VAR)` references. `field` is read from the running pod. */
export type EnvPlan =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly field: string }
  | { readonly name: string; readonly resource: { readonly container: string; readonly resource: string; readonly divisor: string } }

export interface MountPlan {
  readonly volume: string
  readonly destination: string
  readonly readOnly: boolean
  readonly subPath?: string
  readonly propagation: 'private' | 'rslave' | 'rshared'
}

export type VolumePlan =
  | { readonly name: string; readonly kind: 'emptyDir'; readonly medium: 'disk' | 'memory'; readonly sizeLimitBytes?: number }
  | { readonly name: string; readonly kind: 'hostPath'; readonly path: string; readonly type: string }
  | { readonly name: string; readonly kind: 'files'; readonly source: string; readonly mode: number; readonly files: readonly FilePlan[] }

/** A file of a configMap, secret or downwardAPI volume; its content is base64 so that the plan stays JSON. */
export interface FilePlan {
  readonly path: string
  readonly mode: number
  readonly content: string
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
  readonly oomScoreAdj: number
}

export interface SecurityPlan {
  readonly privileged: boolean
  readonly noNewPrivileges: boolean
  readonly readOnlyRootfs: boolean
  /** Numeric ids; absent ones come from the image. */
  readonly user?: number
  readonly group?: number
  readonly runAsNonRoot: boolean
  readonly supplementalGroups: readonly number[]
  /** Without `CAP_`, sorted. */
  readonly capabilities: readonly string[]
  readonly seccomp: { readonly type: 'RuntimeDefault' | 'Unconfined' } | { readonly type: 'Localhost'; readonly profile: string }
}

export interface HostsPlan {
  readonly managed: boolean
  readonly aliases: readonly { readonly ip: string; readonly hostnames: readonly string[] }[]
  readonly subdomain?: string
}

export interface DnsPlan {
  readonly policy: 'ClusterFirst' | 'ClusterFirstWithHostNet' | 'Default' | 'None'
  readonly nameservers: readonly string[]
  readonly searches: readonly string[]
  readonly options: readonly string[]
}
