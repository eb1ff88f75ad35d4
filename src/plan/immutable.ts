/** What an API server lets nobody change of a ConfigMap or Secret that is there. */
import type { V1ConfigMap, V1Secret } from '@kubernetes/client-node'
import { type Finding, forbidden } from '../manifest/finding.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import { hashOf } from './canonical.ts'
import { configMapFiles, secretFiles } from './lookup.ts'

const DETAIL = 'field is immutable when `immutable` is set'

/** Source: k8s.io/kubernetes/pkg/apis/core/validation, ValidateConfigMapUpdate and ValidateSecretUpdate. */
export function immutableFindings(next: KubernetesObject, previous: KubernetesObject): readonly Finding[] {
  if (next.kind !== 'ConfigMap' && next.kind !== 'Secret') return []
  const before = previous as V1ConfigMap
  const after = next as V1ConfigMap
  if (before.immutable !== true) return []
  return [
    ...(after.immutable === true ? [] : [forbidden(['immutable'], DETAIL)]),
    ...(dataHash(after) === dataHash(before) ? [] : [forbidden(['data'], DETAIL)]),
  ]
}

function dataHash(object: V1ConfigMap | V1Secret): string {
  return hashOf(object.kind === 'Secret' ? secretFiles(object as V1Secret) : configMapFiles(object as V1ConfigMap))
}
