/** All objects that there are, as an API server would list them. */

import { isWorkload, podsOfWorkload } from '../workloads/decide.ts'
import { withBindings } from './bound-volumes.ts'
import type { EventObject } from './event-object.ts'
import { madeClaims, type NamedVolume } from './made-claims.ts'
import { objectView, type RecordedObject, type Relations } from './object-view.ts'
import type { PodObject } from './pod-object.ts'
import { type WireObject, wireTime } from './wire.ts'

export interface WorldFacts {
  /** What controllers made among them. */
  readonly objects: readonly RecordedObject[]
  /** Milliseconds since 1970. */
  readonly nowMs: number
  readonly pods: readonly PodObject[]
  readonly events: readonly EventObject[]
  readonly volumes: readonly NamedVolume[]
  readonly node: NodeFacts
}

export interface NodeFacts {
  readonly name: string
  readonly addresses: readonly string[]
  readonly cpus: number
  readonly memoryBytes: number
  /** As `kube --version` says. */
  readonly version: string
  readonly kernelVersion: string
  readonly osImage: string
  readonly runtimeVersion: string
  /** `amd64`, `arm64`. */
  readonly architecture: string
  readonly bootedAt: string
}

/** The objects of a kind, in the order of their making. */
export function listKind(kind: string, facts: WorldFacts): readonly WireObject[] {
  if (kind === 'Pod') return facts.pods
  if (kind === 'Event') return facts.events
  if (kind === 'Node') return [nodeObject(facts.node)]
  const records = facts.objects.filter(object => object.kind === kind)
  const views = records.map(record => objectView(record, relationsOf(record, facts)))
  if (kind === 'PersistentVolumeClaim') return [...withBindings(views, facts.objects), ...madeClaims(facts)]
  if (kind === 'PersistentVolume') return withBindings(views, facts.objects)
  return kind === 'Namespace' ? [...views, ...impliedNamespaces(facts, views)] : views
}

function relationsOf(record: RecordedObject, facts: WorldFacts): Relations {
  const { nowMs } = facts
  if (!isWorkload(record.kind)) return { children: [], pods: [], nowMs }
  const children = facts.objects.filter(({ owner }) => owner === record.uid)
  return { children, pods: podsOfWorkload(record, children, facts.pods), nowMs }
}

/** A namespace exists as soon as something is in it; `default` always does. */
function impliedNamespaces(facts: WorldFacts, known: readonly WireObject[]): readonly WireObject[] {
  const since = new Map([['default', facts.node.bootedAt]])
  for (const { namespace, createdAt } of facts.objects) {
    if (namespace !== '' && !since.has(namespace)) since.set(namespace, createdAt)
  }
  for (const { name } of known.map(object => object.metadata)) since.delete(name)
  return [...since].map(([name, createdAt]) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      creationTimestamp: wireTime(createdAt),
      labels: { 'kubernetes.io/metadata.name': name },
      name,
    },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  }))
}

function nodeObject(node: NodeFacts): WireObject {
  const capacity = {
    cpu: String(node.cpus),
    memory: `${Math.floor(node.memoryBytes / 1024)}Ki`,
    // A Linux bridge has at most 1023 ports.
    pods: '1023',
  }
  const booted = wireTime(node.bootedAt)
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      creationTimestamp: booted,
      labels: {
        'kubernetes.io/arch': node.architecture,
        'kubernetes.io/hostname': node.name,
        'kubernetes.io/os': 'linux',
      },
      name: node.name,
    },
    spec: {},
    status: {
      addresses: [
        ...node.addresses.map(address => ({ address, type: 'InternalIP' })),
        { address: node.name, type: 'Hostname' },
      ],
      allocatable: capacity,
      capacity,
      conditions: [
        {
          lastTransitionTime: booted,
          message: 'this machine runs pods',
          reason: 'KubeletReady',
          status: 'True',
          type: 'Ready',
        },
      ],
      nodeInfo: {
        architecture: node.architecture,
        containerRuntimeVersion: node.runtimeVersion,
        kernelVersion: node.kernelVersion,
        kubeletVersion: node.version,
        operatingSystem: 'linux',
        osImage: node.osImage,
      },
    },
  }
}
