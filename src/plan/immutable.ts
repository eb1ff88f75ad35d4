/** What an API server lets nobody change of an object that is there, where it can't just be made again. */
import type { V1ConfigMap, V1PersistentVolumeClaim, V1Secret } from '@kubernetes/client-node'
import { withDefaults } from '../manifest/defaults.ts'
import { type Finding, forbidden } from '../manifest/finding.ts'
import { compareQuantities } from '../manifest/quantity.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import { hashOf } from './canonical.ts'
import { contentData } from './key-content.ts'
import { configMapFiles, secretFiles } from './lookup.ts'

const DETAIL = 'field is immutable when `immutable` is set'

const CLAIM_DETAIL =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'

/**
 * Source: k8s.io/kubernetes/pkg/apis/core/validation, ValidateConfigMapUpdate, ValidateSecretUpdate and
 * ValidatePersistentVolumeClaimUpdate.
 */
export function immutableFindings(next: KubernetesObject, previous: KubernetesObject): readonly Finding[] {
  if (next.kind === 'PersistentVolumeClaim') return claimFindings(next, previous)
  if (next.kind !== 'ConfigMap' && next.kind !== 'Secret') return []
  const before = previous as V1ConfigMap
  const after = next as V1ConfigMap
  if (before.immutable !== true) return []
  return [
    ...(after.immutable === true ? [] : [forbidden(['immutable'], DETAIL)]),
    ...(dataHash(after) === dataHash(before) ? [] : [forbidden(['data'], DETAIL)]),
  ]
}

/** A claim's data outlive what is played: it can grow, and nothing else. */
function claimFindings(next: KubernetesObject, previous: KubernetesObject): readonly Finding[] {
  const [after, before] = [next, previous].map(object => (withDefaults(object) as V1PersistentVolumeClaim).spec)
  const fixed = (spec: typeof after) => {
    const { resources: _resources, volumeAttributesClassName: _class, ...rest } = spec ?? {}
    return hashOf(rest)
  }
  const size = (spec: typeof after) => spec?.resources?.requests?.storage ?? '0'
  return [
    ...(fixed(after) === fixed(before) ? [] : [forbidden(['spec'], CLAIM_DETAIL)]),
    ...(compareQuantities(size(after), size(before)) >= 0
      ? []
      : [forbidden(['spec', 'resources', 'requests', 'storage'], 'field can not be less than status.capacity')]),
  ]
}

function dataHash(object: V1ConfigMap | V1Secret): string {
  const contents = object.kind === 'Secret' ? secretFiles(object as V1Secret) : configMapFiles(object as V1ConfigMap)
  // However it is written, in `data` or `stringData`.
  const bytes = Object.entries(contents).map(([key, content]) => [
    key,
    Buffer.from(contentData(content)).toString('base64'),
  ])
  return hashOf(Object.fromEntries(bytes))
}
