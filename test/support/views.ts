/** Objects as `kube get -o json` prints them, as far as tests look. */
import type { CoreV1Event, V1ContainerStatus, V1PodStatus } from '@kubernetes/client-node'
import type { Session } from './session.ts'

export interface PodView {
  readonly metadata: { readonly name: string; readonly uid: string }
  readonly status: StatusView
}

export type StatusView = Omit<V1PodStatus, 'containerStatuses' | 'initContainerStatuses'> & {
  readonly containerStatuses: readonly StatusOfContainer[]
  readonly initContainerStatuses?: readonly StatusOfContainer[]
}

export type StatusOfContainer = V1ContainerStatus & {
  readonly state: NonNullable<V1ContainerStatus['state']>
  readonly lastState: NonNullable<V1ContainerStatus['lastState']>
}

/** The status of a container, init or main. */
export function containerOf(status: StatusView, name: string): StatusOfContainer {
  const all = [...(status.initContainerStatuses ?? []), ...status.containerStatuses]
  const found = all.find(container => container.name === name)
  if (!found) throw new Error(`no container ${name}`)
  return found
}

/** `Started Container started`, of each event of an object. */
export async function eventReasons(kube: Session, object: string): Promise<readonly string[]> {
  const list = await kube.json<{ readonly items: readonly CoreV1Event[] }>(['events', '--for', object])
  return list.items.map(({ reason, message }) => `${reason} ${message}`)
}
