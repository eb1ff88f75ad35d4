/** A container that is added to a pod which runs already: `kube debug`. */
import type { V1Container, V1EphemeralContainer, V1Pod } from '@kubernetes/client-node'
import type { Finding } from '../manifest/finding.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import { namedObject, objectFinder } from './lookup.ts'
import { planMember } from './plan-member.ts'
import type { MemberPlan, PodPlan } from './types.ts'

/** `objects`: what its variables may refer to. With a target it sees, and may trace, the processes of that container. */
export function planEphemeral(
  plan: PodPlan,
  container: V1EphemeralContainer,
  objects: readonly KubernetesObject[],
): { readonly member: MemberPlan; readonly findings: readonly Finding[] } {
  const context = {
    find: objectFinder(objects.map(namedObject)),
    boundVolume: () => undefined,
    network: '',
    clusterDomain: 'cluster.local',
  }
  const { targetContainerName: target, ...own } = container
  const { member, findings } = planMember(own as V1Container, 'ephemeral', plan, context, plan.infra, [])
  const shares = member.namespaces.pid !== 'owns'
  return { member: target === undefined || shares ? member : { ...member, target }, findings }
}

/** The plan with one more of them. Its hash stays: playing the same manifest again leaves the pod alone. */
export function withEphemeral(plan: PodPlan, container: V1EphemeralContainer, member: MemberPlan): PodPlan {
  const spec = plan.pod.spec!
  const ephemeralContainers = [...(spec.ephemeralContainers ?? []), container]
  const pod: V1Pod = { ...plan.pod, spec: { ...spec, ephemeralContainers } }
  return { ...plan, pod, members: [...plan.members, member] }
}
