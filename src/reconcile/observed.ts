/** What is there: the engine's view of the machine that `decide` compares with the plan. */
import type { PodPlan } from '../plan/types.ts'
import type { PodUid } from './actions.ts'
import type { ContainerLifecycle } from './lifecycle.ts'

export interface ObservedPod {
  readonly uid: PodUid
  /** The plan the pod was made from. */
  readonly plan: PodPlan
  /** Set once the pod is to go, so that an interrupted removal is finished by whoever comes next. */
  readonly removing: boolean
  /** The pod failed as a whole: nothing of it is started again. */
  readonly failed?: boolean
  /** Its containers are not to run until somebody says so again. */
  readonly stopped?: boolean
  /** It is over, and what only a running pod needs is given back. */
  readonly ended?: boolean
  readonly sandbox: 'absent' | 'present'
  readonly infra: 'absent' | 'running' | 'dead'
  /** Always `attached` for a pod on the machine's own network. */
  readonly network: 'absent' | 'attached'
  /** By name; a member that was never begun is missing. */
  readonly containers: Readonly<Record<string, ObservedContainer>>
}

export interface ObservedContainer {
  readonly id: string
  readonly rootfs: 'absent' | 'mounted'
  /** `created`: set up by the OCI runtime, its command not started; `broken`: something of it is left, but no process. */
  readonly state: 'absent' | 'created' | 'running' | 'exited' | 'broken'
  readonly exitCode?: number
  /** When its command was started: RFC 3339. */
  readonly startedAt?: string
  /** When it ended: RFC 3339. */
  readonly finishedAt?: string
  /** Absent before its first start. */
  readonly lifecycle?: ContainerLifecycle
  /** It, or a process of it, was killed for want of memory. */
  readonly oomKilled?: boolean
  /** Why its command could not be executed; its status is 128 then. */
  readonly startError?: string
}

/** A member nothing was done for. */
export const ABSENT: ObservedContainer = { id: '', rootfs: 'absent', state: 'absent' }
