/** The parts of pods and workloads that tests of workloads look at. */

export interface PodView {
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly deletionTimestamp?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly ownerReferences?: readonly {
      readonly kind: string
      readonly name: string
      readonly uid: string
      readonly controller: boolean
    }[]
  }
  readonly status: {
    readonly phase: string
    readonly podIP?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
  }
}

export interface WorkloadView {
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly generation: number
    readonly annotations?: Readonly<Record<string, string>>
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly uid: string }[]
  }
  readonly spec: { readonly replicas?: number }
  readonly status: Readonly<Record<string, unknown>> & {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[]
  }
}

/** Those that take requests and are to stay. */
export function readyPods(pods: readonly PodView[]): readonly PodView[] {
  return pods.filter(
    ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined &&
      status.conditions?.some(condition => condition.type === 'Ready' && condition.status === 'True'),
  )
}
