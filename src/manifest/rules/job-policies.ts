/** Failure and success policies of jobs. Source: k8s.io/kubernetes/pkg/apis/batch/validation/validation.go. */
import type {
  V1JobSpec,
  V1PodFailurePolicyOnExitCodesRequirement,
  V1PodFailurePolicyRule,
  V1SuccessPolicyRule,
} from '@kubernetes/client-node'
import type { FieldPath } from '../../diagnostic.ts'
import { duplicate, type Finding, invalid, notSupported, required, tooMany } from '../finding.ts'
import { checkForm, checkNotNegative, checkOneOf, entriesAt, type Findings } from './check.ts'
import { checkQualifiedName } from './names.ts'

const maxRules = 20
const maxExitCodes = 255

/** What is wrong is not one value: the API server leaves it out of the message. */
function invalidAsWhole(path: FieldPath, detail: string): Finding {
  return { severity: 'error', code: 'FieldValueInvalid', message: `Invalid value: ${detail}`, path }
}

export function* checkFailurePolicy(at: FieldPath, spec: V1JobSpec): Findings {
  const rules = spec.podFailurePolicy?.rules ?? []
  if (rules.length > maxRules) yield tooMany([...at, 'rules'], rules.length, maxRules)
  for (const [ruleAt, rule] of entriesAt([...at, 'rules'], rules)) yield* checkFailureRule(ruleAt, rule, spec)
}

function* checkFailureRule(at: FieldPath, rule: V1PodFailurePolicyRule, spec: V1JobSpec): Findings {
  const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore']
  if (rule.action === 'FailIndex' && spec.backoffLimitPerIndex === undefined)
    yield invalid([...at, 'action'], rule.action, 'requires the backoffLimitPerIndex to be set')
  if (rule.action !== undefined && !actions.includes(rule.action))
    yield notSupported([...at, 'action'], rule.action, actions)
  if (rule.onExitCodes !== undefined) yield* checkExitCodes([...at, 'onExitCodes'], rule.onExitCodes, spec)
  const conditions = rule.onPodConditions ?? []
  for (const [conditionAt, { type, status }] of entriesAt([...at, 'onPodConditions'], conditions)) {
    yield* checkForm([...conditionAt, 'type'], type, checkQualifiedName)
    yield* checkOneOf([...conditionAt, 'status'], status, ['False', 'True', 'Unknown'])
  }
  if (rule.onExitCodes !== undefined && conditions.length > 0)
    yield invalidAsWhole(at, 'specifying both OnExitCodes and OnPodConditions is not supported')
  if (rule.onExitCodes === undefined && conditions.length === 0)
    yield invalidAsWhole(at, 'specifying one of OnExitCodes and OnPodConditions is required')
}

function* checkExitCodes(
  at: FieldPath,
  { operator, values = [], containerName }: V1PodFailurePolicyOnExitCodesRequirement,
  spec: V1JobSpec,
): Findings {
  yield* checkOneOf([...at, 'operator'], operator, ['In', 'NotIn'])
  const containers = [...(spec.template?.spec?.containers ?? []), ...(spec.template?.spec?.initContainers ?? [])]
  if (containerName !== undefined && !containers.some(container => container.name === containerName)) {
    const detail = 'must be one of the container or initContainer names in the pod template'
    yield invalid([...at, 'containerName'], containerName, detail)
  }
  const valuesAt = [...at, 'values']
  if (values.length === 0) yield invalid(valuesAt, values, 'at least one value is required')
  if (values.length > maxExitCodes) yield tooMany(valuesAt, values.length, maxExitCodes)
  const seen = new Set<number>()
  for (const [valueAt, value] of entriesAt(valuesAt, values)) {
    if (operator === 'In' && value === 0) yield invalid(valueAt, value, 'must not be 0 for the In operator')
    if (seen.has(value)) yield duplicate(valueAt, value)
    seen.add(value)
  }
  if (values.some((value, index) => index > 0 && (values[index - 1] ?? value) > value))
    yield invalid(valuesAt, values, 'must be ordered')
}

export function* checkSuccessPolicy(at: FieldPath, spec: V1JobSpec): Findings {
  if (spec.successPolicy === undefined) return
  if (spec.completionMode !== 'Indexed') {
    yield invalid(at, spec.successPolicy, 'requires indexed completion mode')
    return
  }
  const rules = spec.successPolicy.rules ?? []
  if (rules.length === 0)
    yield required([...at, 'rules'], 'at least one rules must be specified when the successPolicy is specified')
  if (rules.length > maxRules) yield tooMany([...at, 'rules'], rules.length, maxRules)
  for (const [ruleAt, rule] of entriesAt([...at, 'rules'], rules))
    yield* checkSuccessRule(ruleAt, rule, spec.completions ?? 0)
}

function* checkSuccessRule(at: FieldPath, rule: V1SuccessPolicyRule, completions: number): Findings {
  const { succeededCount: count, succeededIndexes: indexes } = rule
  if (count === undefined && indexes === undefined)
    yield required(at, 'at least one of succeededCount or succeededIndexes must be specified')
  const total = indexes === undefined ? undefined : countIndexes(indexes, completions)
  if (typeof total === 'string')
    yield invalid([...at, 'succeededIndexes'], indexes, `error parsing succeededIndexes: ${total}`)
  const countAt = [...at, 'succeededCount']
  yield* checkNotNegative(countAt, count)
  if (count === undefined) return
  if (count > completions) {
    const detail = `must be less than or equal to ${completions} (the number of specified completions)`
    yield invalid(countAt, count, detail)
  }
  if (typeof total === 'number' && count > total) {
    const detail = `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`
    yield invalid(countAt, count, detail)
  }
}

/** How many indexes a text such as `1,3-5` has, or what is wrong with it. */
function countIndexes(text: string, completions: number): number | string {
  if (text === '') return 0
  let total = 0
  let last = -1
  for (const part of text.split(',')) {
    const bounds = part.split('-')
    if (bounds.length > 2)
      return `the fragment "${part}" violates the requirement that an index interval can have at most two parts separated by '-'`
    const wrong = bounds.find(bound => !/^[0-9]+$/.test(bound))
    if (wrong !== undefined) return `cannot convert string to integer for index: "${wrong}"`
    const low = Number(bounds[0])
    const high = Number(bounds.at(-1))
    if (high >= completions) return `too large index: "${bounds.at(-1)}"`
    if (low <= last) return `non-increasing order, previous: ${last}, current: ${low}`
    if (bounds.length === 2 && low >= high) return `non-increasing order, previous: ${low}, current: ${high}`
    total += high - low + 1
    last = high
  }
  return total
}
