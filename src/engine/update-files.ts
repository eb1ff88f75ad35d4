/** Handing what changed in ConfigMaps and Secrets to the pods that go on running. */
import type { KubernetesObject } from '../manifest/types.ts'
import { withContents } from '../plan/replan-files.ts'
import { volumeFiles } from './container-facts.ts'
import type { Host, ObjectRecord, PodRecord } from './ports.ts'

/**
 * Rewrites the volumes of every pod that shows an object which changed or went since `previous`, whichever app the pod
 * belongs to; those just `made` know it. A volume that needs an object which is gone keeps what it has. What a container has mounted by subPath or read into a variable stays as it was.
 * Returns the pods that changed.
 */
export function updateFiles(
  host: Host,
  previous: readonly ObjectRecord[],
  current: readonly ObjectRecord[],
  made: ReadonlySet<string>,
): readonly PodRecord[] {
  const readers = host.state
    .pods()
    .filter(
      ({ uid, removing, plan }) =>
        !made.has(uid) &&
        !removing &&
        plan.volumes.some(volume => volume.kind === 'files') &&
        host.volumes.hasSandbox(uid),
    )
  if (readers.length === 0) return []
  const changed = changedFiles(previous, current)
  const namespaces = new Set(changed.map(object => object.namespace))
  const shown = readers.filter(({ plan }) => namespaces.has(plan.namespace))
  if (shown.length === 0) return []
  const objects = host.state.objects().map(object => object.value as KubernetesObject)
  return shown.flatMap(record => {
    const { uid } = record
    const plan = withContents(record.plan, objects)
    const updated = { ...record, plan }
    if (!host.volumes.updateFiles(uid, plan, volumeFiles(host, updated, 'leave out'))) return []
    host.state.setPlan(uid, plan)
    return [updated]
  })
}

/** The ConfigMaps and Secrets that are new, others than before, or gone. */
function changedFiles(previous: readonly ObjectRecord[], current: readonly ObjectRecord[]): readonly ObjectRecord[] {
  const holdsFiles = ({ kind }: ObjectRecord) => kind === 'ConfigMap' || kind === 'Secret'
  const before = new Map(previous.filter(holdsFiles).map(object => [keyOf(object), JSON.stringify(object.value)]))
  const after = new Set(current.map(keyOf))
  return [
    ...current.filter(holdsFiles).filter(object => before.get(keyOf(object)) !== JSON.stringify(object.value)),
    ...previous.filter(holdsFiles).filter(object => !after.has(keyOf(object))),
  ]
}

function keyOf({ kind, namespace, name }: ObjectRecord): string {
  return `${kind}/${namespace}/${name}`
}
