/** What follows the end of a container, by its own policy and rules and its pod's. Source: Kubernetes documentation, "Pod Lifecycle". */
import type { V1Container, V1ContainerRestartRule } from '@kubernetes/client-node'
import type { MemberPlan } from './types.ts'

/** `restartAll`: every container of the pod ends, and the pod begins anew with its first init container. */
export type AfterExit = 'nothing' | 'restart' | 'restartAll'

/** `policy`: the pod's. */
export function afterExit(policy: string, { role, container }: MemberPlan, exitCode: number): AfterExit {
  if (role === 'ephemeral') return 'nothing'
  const { restartPolicy, restartPolicyRules } = container as V1Container
  for (const rule of restartPolicyRules ?? []) {
    if (!matches(rule, exitCode)) continue
    return rule.action === 'RestartAllContainers' ? 'restartAll' : rule.action === 'Restart' ? 'restart' : 'nothing'
  }
  if (role === 'sidecar') return 'restart'
  // An init container that did its work is never done again, whatever the policy.
  if (role === 'init' && exitCode === 0) return 'nothing'
  const own = restartPolicy ?? policy
  return own === 'Always' || (own === 'OnFailure' && exitCode !== 0) ? 'restart' : 'nothing'
}

/** Whether some end of the container has the whole pod begin anew. */
export function mayRestartAll({ container }: MemberPlan): boolean {
  return (container as V1Container).restartPolicyRules?.some(rule => rule.action === 'RestartAllContainers') === true
}

/** How the previous run of a container ended that was ended for another's sake. Source: kubelet, kubelet_pods.go. */
export const RESTARTING_ALL = {
  reason: 'RestartingAllContainers',
  message: 'The container is removed because RestartAllContainers in place',
  exitCode: 137,
} as const

function matches(rule: V1ContainerRestartRule, exitCode: number): boolean {
  const { operator, values = [] } = rule.exitCodes ?? {}
  const listed = values.includes(exitCode)
  return operator === 'In' ? listed : operator === 'NotIn' ? !listed : false
}
