/** Where a pod may run: affinity, tolerations, spread. Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go. */
import type {
  V1Affinity,
  V1NodeSelector,
  V1NodeSelectorTerm,
  V1PodAffinityTerm,
  V1PodSpec,
  V1Toleration,
  V1TopologySpreadConstraint,
} from '@kubernetes/client-node'
import type { FieldPath } from '../../diagnostic.ts'
import { duplicate, forbidden, invalid, notSupported, required } from '../finding.ts'
import { checkForm, checkNotEmpty, checkOneOf, entriesAt, type Findings } from './check.ts'
import { checkLabels } from './metadata.ts'
import { checkDnsLabel, checkLabelValue, checkQualifiedName } from './names.ts'
import { checkSelector } from './selector.ts'

/** The scheduling fields of a pod spec. */
export function* checkScheduling(at: FieldPath, spec: V1PodSpec): Findings {
  yield* checkLabels([...at, 'nodeSelector'], spec.nodeSelector)
  if (spec.affinity !== undefined) yield* checkAffinity([...at, 'affinity'], spec.affinity)
  yield* checkTolerations([...at, 'tolerations'], spec.tolerations)
  yield* checkSpread([...at, 'topologySpreadConstraints'], spec.topologySpreadConstraints)
  const gates = new Set<string>()
  for (const [gateAt, gate] of entriesAt([...at, 'schedulingGates'], spec.schedulingGates)) {
    yield* checkForm(gateAt, gate.name, checkQualifiedName)
    if (gates.has(gate.name)) yield duplicate(gateAt, gate.name)
    gates.add(gate.name)
  }
}

function* checkAffinity(at: FieldPath, affinity: V1Affinity): Findings {
  const node = affinity.nodeAffinity
  const needed = 'requiredDuringSchedulingIgnoredDuringExecution'
  const preferred = 'preferredDuringSchedulingIgnoredDuringExecution'
  if (node?.[needed] !== undefined) yield* checkNodeSelector([...at, 'nodeAffinity', needed], node[needed])
  for (const [termAt, term] of entriesAt([...at, 'nodeAffinity', preferred], node?.[preferred])) {
    yield* checkWeight([...termAt, 'weight'], term.weight)
    if (term.preference !== undefined) yield* checkNodeTerm([...termAt, 'preference'], term.preference, false)
  }
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    for (const [termAt, term] of entriesAt([...at, kind, needed], affinity[kind]?.[needed]))
      yield* checkPodTerm(termAt, term)
    for (const [termAt, term] of entriesAt([...at, kind, preferred], affinity[kind]?.[preferred])) {
      yield* checkWeight([...termAt, 'weight'], term.weight)
      if (term.podAffinityTerm !== undefined) yield* checkPodTerm([...termAt, 'podAffinityTerm'], term.podAffinityTerm)
    }
  }
}

function* checkWeight(at: FieldPath, weight: number | undefined): Findings {
  if (weight !== undefined && (weight <= 0 || weight > 100)) yield invalid(at, weight, 'must be in the range 1-100')
}

export function* checkNodeSelector(at: FieldPath, selector: V1NodeSelector): Findings {
  if (selector.nodeSelectorTerms?.length === 0)
    yield required([...at, 'nodeSelectorTerms'], 'must have at least one node selector term')
  for (const [termAt, term] of entriesAt([...at, 'nodeSelectorTerms'], selector.nodeSelectorTerms))
    yield* checkNodeTerm(termAt, term, true)
}

function* checkNodeTerm(at: FieldPath, term: V1NodeSelectorTerm, checksValues: boolean): Findings {
  for (const [exprAt, { key, operator, values = [] }] of entriesAt(
    [...at, 'matchExpressions'],
    term.matchExpressions,
  )) {
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0)
        yield required([...exprAt, 'values'], "must be specified when `operator` is 'In' or 'NotIn'")
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0)
        yield forbidden([...exprAt, 'values'], "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    } else if (operator === 'Gt' || operator === 'Lt') {
      if (values.length !== 1)
        yield required([...exprAt, 'values'], "must be specified single value when `operator` is 'Lt' or 'Gt'")
    } else if (operator !== undefined) yield invalid([...exprAt, 'operator'], operator, 'not a valid selector operator')
    yield* checkForm([...exprAt, 'key'], key, checkQualifiedName)
    if (!checksValues) continue
    for (const [valueAt, value] of entriesAt([...exprAt, 'values'], values))
      yield* checkForm(valueAt, value, checkLabelValue)
  }
  for (const [fieldAt, { key, operator, values = [] }] of entriesAt([...at, 'matchFields'], term.matchFields)) {
    if (operator !== undefined && operator !== 'In' && operator !== 'NotIn')
      yield invalid([...fieldAt, 'operator'], operator, 'not a valid selector operator')
    else if (values.length !== 1)
      yield required(
        [...fieldAt, 'values'],
        "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
      )
    if (key !== undefined && key !== 'metadata.name')
      yield invalid([...fieldAt, 'key'], key, 'not a valid field selector key')
  }
}

function* checkPodTerm(at: FieldPath, term: V1PodAffinityTerm): Findings {
  yield* checkSelector([...at, 'labelSelector'], term.labelSelector)
  yield* checkSelector([...at, 'namespaceSelector'], term.namespaceSelector)
  for (const [nameAt, name] of entriesAt([...at, 'namespaces'], term.namespaces))
    yield* checkForm(nameAt, name, checkDnsLabel)
  if (term.topologyKey === undefined) return
  yield* checkNotEmpty([...at, 'topologyKey'], term.topologyKey, 'can not be empty')
  if (term.topologyKey !== '') yield* checkForm([...at, 'topologyKey'], term.topologyKey, checkQualifiedName)
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

function* checkTolerations(path: FieldPath, tolerations: readonly V1Toleration[] | undefined): Findings {
  for (const [at, toleration] of entriesAt(path, tolerations)) {
    const { key = '', operator = '', value = '', effect = '' } = toleration
    if (key !== '') yield* checkForm([...at, 'key'], key, checkQualifiedName)
    else if (operator !== 'Exists')
      yield invalid(
        [...at, 'operator'],
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      )
    if (toleration.tolerationSeconds !== undefined && effect !== 'NoExecute')
      yield invalid([...at, 'effect'], effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
    if (operator === '' || operator === 'Equal') {
      const wrong = checkLabelValue(value)
      if (wrong.length > 0) yield invalid([...at, 'operator'], value, wrong.join(';'))
    } else if (operator === 'Exists') {
      if (value !== '') yield invalid([...at, 'operator'], value, "value must be empty when `operator` is 'Exists'")
    } else if (operator !== 'Lt' && operator !== 'Gt')
      yield notSupported([...at, 'operator'], operator, ['Equal', 'Exists', 'Lt', 'Gt'])
    yield* checkOneOf([...at, 'effect'], effect, effects)
  }
}

function* checkSpread(path: FieldPath, constraints: readonly V1TopologySpreadConstraint[] | undefined): Findings {
  const seen = new Set<string>()
  for (const [at, constraint] of entriesAt(path, constraints)) {
    const { maxSkew, topologyKey, whenUnsatisfiable, minDomains } = constraint
    if (maxSkew !== undefined && maxSkew <= 0) yield invalid([...at, 'maxSkew'], maxSkew, 'must be greater than zero')
    if (topologyKey === '') yield required([...at, 'topologyKey'], 'can not be empty')
    const actions = ['DoNotSchedule', 'ScheduleAnyway']
    if (whenUnsatisfiable !== undefined && !actions.includes(whenUnsatisfiable))
      yield notSupported([...at, 'whenUnsatisfiable'], whenUnsatisfiable, actions)
    const kind = `{${topologyKey}, ${whenUnsatisfiable}}`
    if (seen.has(kind)) yield { ...duplicate([...at, '{topologyKey, whenUnsatisfiable}'], kind), at }
    seen.add(kind)
    if (minDomains !== undefined && minDomains <= 0)
      yield invalid([...at, 'minDomains'], minDomains, 'must be greater than zero')
    if (minDomains !== undefined && whenUnsatisfiable !== 'DoNotSchedule') {
      const detail = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`
      yield invalid([...at, 'minDomains'], minDomains, detail)
    }
    const policies = ['Honor', 'Ignore']
    yield* checkOneOf([...at, 'nodeAffinityPolicy'], constraint.nodeAffinityPolicy, policies)
    yield* checkOneOf([...at, 'nodeTaintsPolicy'], constraint.nodeTaintsPolicy, policies)
    const keys = constraint.matchLabelKeys ?? []
    if (keys.length > 0 && constraint.labelSelector === undefined)
      yield forbidden([...at, 'matchLabelKeys'], 'must not be specified when labelSelector is not set')
    yield* checkSelector([...at, 'labelSelector'], constraint.labelSelector)
  }
}
