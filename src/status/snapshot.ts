/** What is known of a pod at one moment: its record and what was observed, the input of its status. */
import type { PodPlan } from '../plan/types.ts'

export interface PodSnapshot {
  readonly uid: string
  readonly plan: PodPlan
  /** RFC 3339. */
  readonly createdAt: string
  /** It is being taken away. */
  readonly removing: boolean
  /** It failed as a whole: `DeadlineExceeded` and so on. */
  readonly failure?: { readonly reason: string; readonly message: string }
  /** Somebody stopped it, or had it made without being started. */
  readonly stopped?: true
  /** Its namespaces and its network are there. */
  readonly sandboxReady: boolean
  /** Its containers still run, in namespaces that nothing holds any more: they will be ended. */
  readonly sandboxLost?: true
  /** It is over, and its address was given back: it is still told, as a kubelet tells it. */
  readonly ended?: boolean
  /** What somebody outside set. Default none. */
  readonly conditions?: readonly OutsideCondition[]
  readonly podIps: readonly string[]
  readonly hostIps: readonly string[]
  readonly nodeName: string
  /** Of the recorded workload that made it. */
  readonly ownerUid?: string
  /** By name; a member that was never begun is missing. */
  readonly containers: Readonly<Record<string, ContainerSnapshot>>
}

/** A condition that does not follow from what the pod does. */
export interface OutsideCondition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
  /** RFC 3339. */
  readonly lastTransitionTime: string
}

export interface ContainerSnapshot {
  readonly id: string
  /** `broken`: its process is gone and nobody knows how it ended. */
  readonly state: 'absent' | 'created' | 'running' | 'exited' | 'broken'
  /** How many times it was started again. */
  readonly restarts: number
  /** `docker.io/library/busybox:1.36`; absent while the image is not known. */
  readonly image?: string
  /** `docker.io/library/busybox@sha256:...`, or the image's own ID when no registry gave it a digest. */
  readonly imageId?: string
  /** Who its first process runs as; absent until that is known. */
  readonly user?: { readonly uid: number; readonly gid: number; readonly supplementalGroups: readonly number[] }
  /** RFC 3339; absent until its command was started. */
  readonly startedAt?: string
  readonly end?: ContainerEnd
  /** How its previous run ended. */
  readonly previous?: ContainerEnd & { readonly id: string; readonly startedAt?: string }
  /** Why it does not run, where that is not just that its turn has not come: `CrashLoopBackOff` and so on. */
  readonly waiting?: { readonly reason: string; readonly message?: string }
  /** What its probes say; absent without probes, or before the first answer. */
  readonly ready?: boolean
  /** When `ready` last changed, in milliseconds since 1970; absent: with its start. */
  readonly readyTurnedMs?: number
  readonly started?: boolean
}

export interface ContainerEnd {
  readonly exitCode: number
  /** RFC 3339. */
  readonly finishedAt?: string
  readonly oomKilled: boolean
  /** In one word; default by status and `oomKilled`. */
  readonly reason?: string
  /** What it left at its terminationMessagePath, or the end of its log. */
  readonly message?: string
}
