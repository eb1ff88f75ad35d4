/** Handing what changed in ConfigMaps and Secrets to the pods that go on running. */
import type { KubernetesObject } from '../manifest/types.ts'
import { replanFiles } from '../plan/replan-files.ts'
import { volumeFiles } from './container-facts.ts'
import type { Host, ObjectRecord, PodRecord } from './ports.ts'

/**
 * Rewrites the volumes of every pod that shows an object which changed since `previous`, whichever app the pod belongs
 * to. What a container has mounted by subPath or read into a variable stays as it was. Returns the pods that changed.
 */
export function updateFiles(
  host: Host,
  previous: readonly ObjectRecord[],
  current: readonly ObjectRecord[],
): readonly PodRecord[] {
  const before = new Map(previous.map(object => [keyOf(object), JSON.stringify(object.value)]))
  const changed = current.filter(
    object =>
      (object.kind === 'ConfigMap' || object.kind === 'Secret') &&
      before.get(keyOf(object)) !== JSON.stringify(object.value),
  )
  if (changed.length === 0) return []
  const namespaces = new Set(changed.map(object => object.namespace))
  const objects = host.state.objects().map(object => object.value as KubernetesObject)
  return host.state.pods().flatMap(record => {
    if (!namespaces.has(record.plan.namespace) || record.removing || !host.volumes.hasSandbox(record.uid)) return []
    const plan = replanFiles(record.plan, objects)
    if (plan === record.plan) return []
    const updated = { ...record, plan }
    host.volumes.updateFiles(record.uid, plan, volumeFiles(host, updated))
    host.state.setPlan(record.uid, plan)
    return [updated]
  })
}

function keyOf({ kind, namespace, name }: ObjectRecord): string {
  return `${kind}/${namespace}/${name}`
}
