/** Label selectors. Source: k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go. */
import type { V1LabelSelector } from '@kubernetes/client-node'
import type { FieldPath } from '../../diagnostic.ts'
import { forbidden, invalid, required } from '../finding.ts'
import { checkForm, entriesAt, type Findings } from './check.ts'
import { checkLabels } from './metadata.ts'
import { checkLabelValue, checkQualifiedName } from './names.ts'

export type Labels = Readonly<Record<string, string>>

export function* checkSelector(path: FieldPath, selector: V1LabelSelector | undefined): Findings {
  if (selector === undefined) return
  yield* checkLabels([...path, 'matchLabels'], selector.matchLabels)
  for (const [at, requirement] of entriesAt([...path, 'matchExpressions'], selector.matchExpressions)) {
    const values = requirement.values ?? []
    switch (requirement.operator) {
      case 'In':
      case 'NotIn':
        if (values.length === 0)
          yield required([...at, 'values'], "must be specified when `operator` is 'In' or 'NotIn'")
        break
      case 'Exists':
      case 'DoesNotExist':
        if (values.length > 0)
          yield forbidden([...at, 'values'], "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
        break
      case undefined:
        break
      default:
        yield invalid([...at, 'operator'], requirement.operator, 'not a valid selector operator')
    }
    yield* checkForm([...at, 'key'], requirement.key, checkQualifiedName)
    for (const [valueAt, value] of entriesAt([...at, 'values'], values))
      yield* checkForm(valueAt, value, checkLabelValue)
  }
}

export function isEmptySelector(selector: V1LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0
}

/** Whether the selector picks these labels. An empty selector picks all. */
export function selectorMatches(selector: V1LabelSelector, labels: Labels): boolean {
  const wanted = Object.entries(selector.matchLabels ?? {})
  if (!wanted.every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value)) return false
  return (selector.matchExpressions ?? []).every(({ key, operator, values }) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined
    if (operator === 'In') return value !== undefined && (values ?? []).includes(value)
    if (operator === 'NotIn') return value === undefined || !(values ?? []).includes(value)
    if (operator === 'Exists') return value !== undefined
    return operator === 'DoesNotExist' ? value === undefined : true
  })
}
