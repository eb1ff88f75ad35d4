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
  const readable = without(object, broken)
  if (readable === undefined) return []
  return [...applyRules(info, readable)].filter(finding => !broken.some(({ path }) => related(path, finding.path)))
}

/** A copy without what is broken; undefined when nothing readable is left. */
function without(object: KubernetesObject, broken: readonly Finding[]): KubernetesObject | undefined {
  const copy = structuredClone(object)
  for (const { path, zero } of broken) {
    const last = path.at(-1)
    if (last === undefined) return undefined
    const parent = valueAt(copy, path.slice(0, -1))
    // The indexes of a list's other items must stay.
    if (Array.isArray(parent)) parent[Number(last)] = zero ?? ''
    else if (typeof parent === 'object' && parent !== null) Reflect.deleteProperty(parent, last)
  }
  if (typeof copy.metadata === 'object' && copy.metadata !== null) return copy
  return { ...(copy as object), metadata: {} } as KubernetesObject
}

/** Whether one path leads through the other. */
function related(a: FieldPath, b: FieldPath): boolean {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) if (a[at] !== b[at]) return false
  return true
}
