/** Kinds that have no meaning on one machine: checked as an API server does, then accepted. */
import type {
  RbacV1Subject,
  V1ClusterRole,
  V1PodDisruptionBudget,
  V1PriorityClass,
  V1RoleBinding,
  V2HorizontalPodAutoscaler,
} from '@kubernetes/client-node'
import type { FieldPath } from '../../diagnostic.ts'
import { forbidden, invalid, notSupported, required } from '../finding.ts'
import { checkNotEmpty, checkOneOf, entriesAt, type Findings } from './check.ts'
import { checkSelector } from './selector.ts'
import { checkIntOrPercent } from './workloads.ts'

/** Source: k8s.io/kubernetes/pkg/apis/autoscaling/validation/validation.go. */
export function* checkAutoscaler({ spec }: V2HorizontalPodAutoscaler): Findings {
  if (spec === undefined) return
  const { minReplicas, maxReplicas, scaleTargetRef } = spec
  if (minReplicas !== undefined && minReplicas < 1)
    yield invalid(['spec', 'minReplicas'], minReplicas, 'must be greater than or equal to 1')
  if (maxReplicas !== undefined && maxReplicas < 1)
    yield invalid(['spec', 'maxReplicas'], maxReplicas, 'must be greater than 0')
  if (maxReplicas !== undefined && minReplicas !== undefined && maxReplicas < minReplicas)
    yield invalid(['spec', 'maxReplicas'], maxReplicas, 'must be greater than or equal to `minReplicas`')
  if (scaleTargetRef === undefined) return
  for (const field of ['kind', 'name'] as const)
    if (scaleTargetRef[field] === '') yield required(['spec', 'scaleTargetRef', field])
}

/** Source: k8s.io/kubernetes/pkg/apis/policy/validation/validation.go. */
export function* checkDisruptionBudget({ spec }: V1PodDisruptionBudget): Findings {
  if (spec === undefined) return
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined)
    yield invalid(['spec'], '', 'minAvailable and maxUnavailable cannot be both set')
  yield* checkIntOrPercent(['spec', 'minAvailable'], spec.minAvailable)
  yield* checkIntOrPercent(['spec', 'maxUnavailable'], spec.maxUnavailable)
  yield* checkSelector(['spec', 'selector'], spec.selector)
  yield* checkOneOf(['spec', 'unhealthyPodEvictionPolicy'], spec.unhealthyPodEvictionPolicy, [
    'AlwaysAllow',
    'IfHealthyBudget',
  ])
}

/** A Role or ClusterRole. Source: k8s.io/kubernetes/pkg/apis/rbac/validation/validation.go. */
export function* checkRole(role: V1ClusterRole, isNamespaced: boolean): Findings {
  for (const [at, rule] of entriesAt(['rules'], role.rules)) {
    if ((rule.verbs ?? []).length === 0) yield required([...at, 'verbs'], 'verbs must contain at least one value')
    if ((rule.nonResourceURLs ?? []).length > 0) {
      if (isNamespaced)
        yield invalid(
          [...at, 'nonResourceURLs'],
          rule.nonResourceURLs,
          'namespaced rules cannot apply to non-resource URLs',
        )
      if ([rule.apiGroups, rule.resources, rule.resourceNames].some(list => (list ?? []).length > 0))
        yield invalid(
          [...at, 'nonResourceURLs'],
          rule.nonResourceURLs,
          'rules cannot apply to both regular resources and non-resource URLs',
        )
      continue
    }
    if ((rule.apiGroups ?? []).length === 0)
      yield required([...at, 'apiGroups'], 'resource rules must supply at least one api group')
    if ((rule.resources ?? []).length === 0)
      yield required([...at, 'resources'], 'resource rules must supply at least one resource')
  }
}

const rbacGroup = 'rbac.authorization.k8s.io'

export function* checkRoleBinding(binding: V1RoleBinding, isNamespaced: boolean): Findings {
  const { roleRef } = binding
  if (roleRef !== undefined) {
    const group = roleRef.apiGroup || rbacGroup
    if (group !== rbacGroup) yield notSupported(['roleRef', 'apiGroup'], group, [rbacGroup])
    const kinds = isNamespaced ? ['Role', 'ClusterRole'] : ['ClusterRole']
    if (roleRef.kind !== undefined && !kinds.includes(roleRef.kind))
      yield notSupported(['roleRef', 'kind'], roleRef.kind, kinds)
    if (roleRef.name !== undefined) yield* checkNotEmpty(['roleRef', 'name'], roleRef.name)
  }
  for (const [at, subject] of entriesAt(['subjects'], binding.subjects)) yield* checkSubject(at, subject, isNamespaced)
}

function* checkSubject(at: FieldPath, subject: RbacV1Subject, isNamespaced: boolean): Findings {
  if (subject.name !== undefined) yield* checkNotEmpty([...at, 'name'], subject.name)
  if (subject.kind === 'ServiceAccount') {
    if (subject.apiGroup) yield notSupported([...at, 'apiGroup'], subject.apiGroup, [''])
    if (!isNamespaced && !subject.namespace) yield required([...at, 'namespace'])
  } else if (subject.kind === 'User' || subject.kind === 'Group') {
    if (subject.apiGroup && subject.apiGroup !== rbacGroup)
      yield notSupported([...at, 'apiGroup'], subject.apiGroup, [rbacGroup])
  } else if (subject.kind !== undefined)
    yield notSupported([...at, 'kind'], subject.kind, ['ServiceAccount', 'User', 'Group'])
}

const highestUserPriority = 1_000_000_000

/** Source: k8s.io/kubernetes/pkg/apis/scheduling/validation/validation.go. */
export function* checkPriorityClass(priority: V1PriorityClass): Findings {
  const name = priority.metadata?.name ?? ''
  const isSystem = name.startsWith('system-')
  if (!isSystem && (priority.value ?? 0) > highestUserPriority)
    yield forbidden(['value'], `maximum allowed value of a user defined priority is ${highestUserPriority}`)
  if (isSystem && name !== 'system-node-critical' && name !== 'system-cluster-critical')
    yield forbidden(['metadata', 'name'], "priority class names with 'system-' prefix are reserved for system use only")
  yield* checkOneOf(['preemptionPolicy'], priority.preemptionPolicy, ['PreemptLowerPriority', 'Never'])
}
