/** What a pod spec refers to by name: ConfigMaps, Secrets and claims. */
import type { V1PodSpec } from '@kubernetes/client-node'
import type { FieldPath } from '../diagnostic.ts'

export interface Reference {
  readonly kind: 'ConfigMap' | 'Secret' | 'PersistentVolumeClaim'
  readonly name: string
  /** From the pod spec to the name. */
  readonly path: FieldPath
  readonly optional: boolean
}

type Add = (kind: Reference['kind'], name: string | undefined, path: FieldPath, optional?: boolean) => void

/** In the order of the spec; image pull secrets are left out, as the kubelet does without missing ones. */
export function referencesOf(spec: V1PodSpec): readonly Reference[] {
  const references: Reference[] = []
  const add: Add = (kind, name, path, optional = false) => {
    if (name !== undefined && name !== '') references.push({ kind, name, path, optional })
  }
  for (const field of ['initContainers', 'containers'] as const)
    for (const [index, container] of (spec[field] ?? []).entries()) {
      const at = [field, index]
      for (const [i, { configMapRef, secretRef }] of (container.envFrom ?? []).entries()) {
        add('ConfigMap', configMapRef?.name, [...at, 'envFrom', i, 'configMapRef', 'name'], configMapRef?.optional)
        add('Secret', secretRef?.name, [...at, 'envFrom', i, 'secretRef', 'name'], secretRef?.optional)
      }
      for (const [i, { valueFrom }] of (container.env ?? []).entries()) {
        const { configMapKeyRef: config, secretKeyRef: secret } = valueFrom ?? {}
        const from = [...at, 'env', i, 'valueFrom']
        add('ConfigMap', config?.name, [...from, 'configMapKeyRef', 'name'], config?.optional)
        add('Secret', secret?.name, [...from, 'secretKeyRef', 'name'], secret?.optional)
      }
    }
  addVolumes(spec, add)
  return references
}

function addVolumes(spec: V1PodSpec, add: Add): void {
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    const at = ['volumes', index]
    const { configMap, secret, persistentVolumeClaim: claim, projected } = volume
    add('ConfigMap', configMap?.name, [...at, 'configMap', 'name'], configMap?.optional)
    add('Secret', secret?.secretName, [...at, 'secret', 'secretName'], secret?.optional)
    add('PersistentVolumeClaim', claim?.claimName, [...at, 'persistentVolumeClaim', 'claimName'])
    for (const [i, source] of (projected?.sources ?? []).entries()) {
      const from = [...at, 'projected', 'sources', i]
      add('ConfigMap', source.configMap?.name, [...from, 'configMap', 'name'], source.configMap?.optional)
      add('Secret', source.secret?.name, [...from, 'secret', 'name'], source.secret?.optional)
    }
  }
}
