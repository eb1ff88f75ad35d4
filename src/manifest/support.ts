/** What `kube` does with each field of each kind. */
import type { Finding } from './finding.ts'
import type { KindInfo } from './kinds.ts'
import type { KubernetesObject } from './types.ts'

/** Findings for what is not honoured: fields that are refused, kinds that are not run yet. */
export function checkSupport(info: KindInfo, _object: KubernetesObject): readonly Finding[] {
  if (info.disposition !== 'notYetRun') return []
  const message = `kube does not act on a ${info.kind} yet: ${info.reason}`
  return [{ severity: 'warning', code: 'KindNotRun', message, path: ['kind'] }]
}
