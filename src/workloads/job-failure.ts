/** What a failed pod means for its Job. Source: k8s.io/kubernetes pkg/controller/job/pod_failure_policy.go. */
import type { V1JobSpec, V1PodFailurePolicyRule } from '@kubernetes/client-node'
import type { WorkloadPod } from './types.ts'

export interface FailureVerdict {
  /** Whether it counts towards the back-off limit. */
  readonly counts: boolean
  /** The job fails with this message. */
  readonly failsJob?: string
  readonly failsIndex?: true
}

/** The first rule that matches decides; a failure counts when none does. */
export function judgeFailure(spec: V1JobSpec, pod: WorkloadPod): FailureVerdict {
  for (const [position, rule] of (spec.podFailurePolicy?.rules ?? []).entries()) {
    const reason = matchOf(rule, pod)
    if (reason === undefined) continue
    switch (rule.action) {
      case 'FailJob':
        return { counts: true, failsJob: `${reason} matching FailJob rule at index ${position}` }
      case 'FailIndex':
        return { counts: true, failsIndex: true }
      case 'Ignore':
        return { counts: false }
      default:
        return { counts: true }
    }
  }
  return { counts: true }
}

/** Why the rule matches, in words. */
function matchOf(rule: V1PodFailurePolicyRule, pod: WorkloadPod): string | undefined {
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`
  if (rule.onExitCodes) {
    const { containerName, operator, values } = rule.onExitCodes
    const statuses = [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])]
    for (const status of statuses) {
      const exitCode = status.state?.terminated?.exitCode
      if (exitCode === undefined || exitCode === 0) continue
      if (containerName && containerName !== status.name) continue
      if (values.includes(exitCode) === (operator === 'In'))
        return `Container ${status.name} for pod ${name} failed with exit code ${exitCode}`
    }
    return undefined
  }
  for (const pattern of rule.onPodConditions ?? []) {
    const wanted = pattern.status ?? 'True'
    if (pod.status.conditions?.some(({ type, status }) => type === pattern.type && status === wanted))
      return `Pod ${name} has condition ${pattern.type}`
  }
  return undefined
}
