/** Everything there is, read from the records and the machine when it is asked for. */
import { readFileSync } from 'node:fs'
import { arch, release, uptime } from 'node:os'
import { isNeglected } from '../engine/neglected.ts'
import { observePod } from '../engine/observe.ts'
import type { EventRecord, PodRecord } from '../engine/ports.ts'
import { snapshotPod } from '../engine/snapshot.ts'
import { openClaimStore } from '../host/volumes/claim-store.ts'
import { type EventObject, eventObject } from '../status/event-object.ts'
import { type PodObject, podObject } from '../status/pod-object.ts'
import type { PodSnapshot } from '../status/snapshot.ts'
import type { WireObject } from '../status/wire.ts'
import { listKind, type NodeFacts, type WorldFacts } from '../status/world.ts'
import type { RealHost } from './host.ts'
import { notFound, type ResourceKind, resourceKinds } from './resources.ts'
import { VERSION } from './version.ts'

export interface World {
  /** All objects of a kind, every namespace: by namespace and name, as an API server lists them, events by their time. */
  list(kind: ResourceKind): readonly WireObject[]
  /** Fails with code `NotFound`. */
  get(kind: ResourceKind, namespace: string, name: string): WireObject
  /** What happened to one object, by its time: to read all events for that would take longer than everything else. */
  eventsAbout(uid: string): readonly EventObject[]
}

/** A picture of one moment: what is asked twice is read once. */
export function readWorld(host: RealHost): World {
  host.lookAfterPods()
  const facts = new LazyFacts(host)
  const known = new Map<string, readonly WireObject[]>()
  const list = (kind: ResourceKind) => {
    const objects = known.get(kind.kind) ?? inOrder(listKind(kind.kind, facts))
    known.set(kind.kind, objects)
    return objects
  }
  return {
    list,
    get(kind, namespace, name) {
      const object = list(kind).find(
        ({ metadata }) => metadata.name === name && (!kind.namespaced || metadata.namespace === namespace),
      )
      if (!object) throw notFound(kind, name)
      return object
    },
    eventsAbout: uid => host.state.events({ uid }).map(event => toldOf(host, event)),
  }
}

function inOrder(objects: readonly WireObject[]): readonly WireObject[] {
  if (objects[0]?.kind === 'Event') return objects
  return objects.toSorted((a, b) => {
    const [one, other] = [a, b].map(({ metadata: { namespace = '', name = '' } }) => `${namespace}/${name}`)
    return one! < other! ? -1 : one! > other! ? 1 : 0
  })
}

class LazyFacts implements WorldFacts {
  readonly #host: RealHost
  #objects: WorldFacts['objects'] | undefined
  #pods: readonly PodObject[] | undefined
  #events: readonly EventObject[] | undefined

  constructor(host: RealHost) {
    this.#host = host
  }

  get objects(): WorldFacts['objects'] {
    this.#objects ??= this.#host.state.objects({ made: true })
    return this.#objects
  }

  get pods(): readonly PodObject[] {
    this.#pods ??= this.#host.state.pods().map(record => podObject(this.#look(record)))
    return this.#pods
  }

  #look(record: PodRecord): PodSnapshot {
    const observed = observePod(this.#host, record)
    if (isNeglected(this.#host, record, observed)) this.#host.wakeSupervisor('always')
    return snapshotPod(this.#host, record, observed)
  }

  get events(): readonly EventObject[] {
    this.#events ??= this.#host.state.events().map(event => toldOf(this.#host, event))
    return this.#events
  }

  get volumes(): WorldFacts['volumes'] {
    return openClaimStore(this.#host.layout).list()
  }

  get nowMs(): number {
    return Date.parse(this.#host.now())
  }

  get node(): NodeFacts {
    const { machine } = this.#host
    return {
      name: machine.nodeName,
      addresses: machine.hostIps,
      cpus: machine.cpus,
      memoryBytes: machine.memoryBytes,
      version: VERSION,
      kernelVersion: release(),
      osImage: osName(),
      runtimeVersion: 'crun',
      architecture: { x64: 'amd64', ia32: '386' }[arch() as string] ?? arch(),
      bootedAt: new Date(Date.now() - uptime() * 1000).toISOString(),
    }
  }
}

function toldOf(host: RealHost, event: EventRecord): EventObject {
  return eventObject(event, apiVersionOf(event.kind), host.machine.nodeName)
}

function apiVersionOf(kind: string): string {
  return resourceKinds.find(info => info.kind === kind)?.apiVersion ?? 'v1'
}

/** Source: os-release(5). */
function osName(): string {
  try {
    const text = readFileSync('/etc/os-release', 'utf8')
    return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text)?.[1] ?? 'Linux'
  } catch {
    return 'Linux'
  }
}
