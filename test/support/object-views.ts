/** Objects as `kube get -o json` prints them: what is always there is not optional, and times are text. */
import type {
  CoreV1Event,
  V1ConfigMap,
  V1ContainerState,
  V1ContainerStatus,
  V1CronJob,
  V1DaemonSet,
  V1Deployment,
  V1Job,
  V1ObjectMeta,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodSpec,
  V1PodStatus,
  V1ReplicaSet,
  V1StatefulSet,
} from '@kubernetes/client-node'

/** With these fields always there. */
type With<T, K extends keyof T> = Omit<T, K> & { readonly [P in K]-?: NonNullable<T[P]> }

/** With deletionTimestamp as the text that it is. */
type Metadata = With<Omit<V1ObjectMeta, 'deletionTimestamp'>, 'name' | 'uid'> & { readonly deletionTimestamp?: string }

type Live<T extends { spec?: unknown; status?: unknown }> = Omit<T, 'metadata' | 'spec' | 'status'> & {
  readonly metadata: Metadata
  readonly spec: NonNullable<T['spec']>
  readonly status: NonNullable<T['status']>
}

export type ContainerStatusView = Omit<V1ContainerStatus, 'state' | 'lastState'> & {
  readonly state: V1ContainerState
  readonly lastState: V1ContainerState
}

export type PodStatusView = Omit<
  With<V1PodStatus, 'phase' | 'conditions'>,
  'containerStatuses' | 'initContainerStatuses' | 'ephemeralContainerStatuses'
> & {
  readonly containerStatuses: readonly ContainerStatusView[]
  readonly initContainerStatuses?: readonly ContainerStatusView[]
  readonly ephemeralContainerStatuses?: readonly ContainerStatusView[]
}

export type PodView = Omit<V1Pod, 'metadata' | 'spec' | 'status'> & {
  readonly metadata: Metadata
  readonly spec: V1PodSpec
  readonly status: PodStatusView
}

/** By the words that tests ask for them with. */
export interface ObjectViews {
  readonly pod: PodView
  readonly pods: PodView
  readonly deployment: Live<V1Deployment>
  readonly rs: Live<V1ReplicaSet>
  readonly sts: Live<V1StatefulSet>
  readonly ds: Live<V1DaemonSet>
  readonly job: Live<V1Job>
  readonly jobs: Live<V1Job>
  readonly cronjob: Live<V1CronJob>
  readonly pvc: Live<V1PersistentVolumeClaim>
  readonly events: CoreV1Event
  readonly configmap: V1ConfigMap & { readonly metadata: Metadata }
}

/** The status of a container, init or main. */
export function containerOf(status: PodStatusView, name: string): ContainerStatusView {
  const all = [...(status.initContainerStatuses ?? []), ...status.containerStatuses]
  const found = all.find(container => container.name === name)
  if (!found) throw new Error(`no container ${name} in ${JSON.stringify(status)}`)
  return found
}

/** Those that take requests and are to stay. */
export function readyPods(pods: readonly PodView[]): readonly PodView[] {
  return pods.filter(
    ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined &&
      status.conditions.some(condition => condition.type === 'Ready' && condition.status === 'True'),
  )
}
