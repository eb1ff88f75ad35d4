/** Which rules apply to which kind. */
import type { Finding } from '../finding.ts'
import type { KindInfo } from '../kinds.ts'
import type { KubernetesObject } from '../types.ts'

export type Rules = (object: KubernetesObject) => readonly Finding[]

const none: Rules = () => []

export function rulesOf(_info: KindInfo): Rules {
  return none
}
