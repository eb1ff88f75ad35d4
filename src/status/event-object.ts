/** Events as an API server shows them. Source: k8s.io/api/core/v1 Event. */
import type { CoreV1Event } from '@kubernetes/client-node'
import { uuidOf } from '../plan/names.ts'
import { type Wire, wireTime } from './wire.ts'

/** What is recorded of an event. */
export interface RecordedEvent {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly fieldPath?: string
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly count: number
  /** The first time. RFC 3339. */
  readonly at: string
  /** The last time. */
  readonly lastAt: string
}

export type EventObject = Wire<CoreV1Event> & {
  readonly apiVersion: 'v1'
  readonly kind: 'Event'
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly creationTimestamp: string }
}

/** Who tells of a kind, as in a cluster. */
const SOURCES: Readonly<Record<string, string>> = {
  Pod: 'kubelet',
  Deployment: 'deployment-controller',
  ReplicaSet: 'replicaset-controller',
  StatefulSet: 'statefulset-controller',
  DaemonSet: 'daemonset-controller',
  Job: 'job-controller',
  CronJob: 'cronjob-controller',
  HorizontalPodAutoscaler: 'horizontal-pod-autoscaler',
}

/** `apiVersion` is that of the object that the event is about. */
export function eventObject(event: RecordedEvent, apiVersion: string, nodeName: string): EventObject {
  const { kind, namespace, name, uid, fieldPath, type, reason, message, count, at, lastAt } = event
  const component = SOURCES[kind] ?? 'kube'
  return {
    apiVersion: 'v1',
    count,
    eventTime: null,
    firstTimestamp: wireTime(at),
    involvedObject: { apiVersion, ...(fieldPath === undefined ? {} : { fieldPath }), kind, name, namespace, uid },
    kind: 'Event',
    lastTimestamp: wireTime(lastAt),
    message,
    metadata: {
      creationTimestamp: wireTime(at),
      name: `${name}.${eventSuffix(event)}`,
      ...(namespace === '' ? {} : { namespace }),
      uid: eventUid(event),
    },
    reason,
    reportingComponent: component,
    reportingInstance: kind === 'Pod' ? nodeName : '',
    source: { component, ...(kind === 'Pod' ? { host: nodeName } : {}) },
    type,
  } as unknown as EventObject
}

/** The same for the same event, however often it happened: the time of the first, then what tells it from others. */
function eventSuffix(event: RecordedEvent): string {
  return `${Date.parse(event.at).toString(16)}${uuidOf(identity(event)).slice(0, 5)}`
}

function eventUid(event: RecordedEvent): string {
  return uuidOf(identity(event))
}

function identity({ uid, fieldPath, reason, message, at }: RecordedEvent): readonly string[] {
  return ['Event', uid, fieldPath ?? '', reason, message, at]
}
