/** An app's objects and pods with their status, read from the records and the machine. */
import { snapshotPod } from '../engine/snapshot.ts'
import { podObject } from '../status/pod-object.ts'
import type { WireObject } from '../status/wire.ts'
import type { AppView } from './app-progress.ts'
import type { RealHost } from './host.ts'
import { findResourceKind } from './resources.ts'
import { readWorld } from './world.ts'

export function viewApp(host: RealHost, app: string): AppView {
  const world = readWorld(host)
  const records = host.state.objects({ app }).filter(({ kind }) => kind !== 'Pod')
  const objects = records.flatMap((record): readonly WireObject[] => {
    const kind = findResourceKind(record.kind)
    const found = kind && world.list(kind).find(object => object.metadata.uid === record.uid)
    return found ? [found] : []
  })
  const pods = host.state
    .pods({ app })
    .filter(pod => !pod.removing)
    .map(pod => podObject(snapshotPod(host, pod)))
  return { objects, pods }
}
