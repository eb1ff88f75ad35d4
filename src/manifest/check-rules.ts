/** Runs the rules of a kind over an object whose shape was checked. */
import type { FieldPath } from '../diagnostic.ts'
import type { Finding } from './finding.ts'
import type { KindInfo } from './kinds.ts'
import { applyRules } from './rules/table.ts'
import { valueAt } from './schema.ts'
import type { KubernetesObject } from './types.ts'

/**
 * What the rules beyond the schema find. Rules rely on types, so parts of a wrong type are taken away first, and what
 * the rules then say about those parts is dropped.
 */
export function checkRules(info: KindInfo, object: KubernetesObject, shape: readonly Finding[]): readonly Finding[] {
  const broken = shape.filter(
    finding => finding.code === 'FieldValueTypeInvalid' || finding.code === 'FieldValueInvalid',
  )
  if (broken.length === 0) return [...applyRules(info, object)]
  const paths = broken.map(finding => finding.path)
  const readable = without(object, paths)
  if (readable === undefined) return []
  return [...applyRules(info, readable)].filter(finding => !paths.some(path => related(path, finding.path)))
}

/** A copy without what stands at the paths; undefined when nothing readable is left. */
function without(object: KubernetesObject, paths: readonly FieldPath[]): KubernetesObject | undefined {
  const copy = structuredClone(object)
  for (const path of paths) {
    const last = path.at(-1)
    if (last === undefined) return undefined
    const parent = valueAt(copy, path.slice(0, -1))
    if (Array.isArray(parent)) {
      // Indexes of the other items must stay: an item of a wrong type becomes one like its neighbours.
      const isMaps = parent.some(item => typeof item === 'object' && item !== null)
      parent[Number(last)] = isMaps ? {} : ''
    } else if (typeof parent === 'object' && parent !== null) Reflect.deleteProperty(parent, last)
  }
  return typeof copy.metadata === 'object' && copy.metadata !== null
    ? copy
    : ({ ...(copy as object), metadata: {} } as KubernetesObject)
}

/** Whether one path leads through the other. */
function related(a: FieldPath, b: FieldPath): boolean {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) if (a[at] !== b[at]) return false
  return true
}
