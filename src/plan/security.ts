/** What a container may do: its security context over its pod's, as the kubelet merges them. */
import type { V1Container, V1PodSpec } from '@kubernetes/client-node'
import type { FieldPath } from '../diagnostic.ts'
import { type Finding, notSupported } from '../manifest/finding.ts'
import { ALL_CAPABILITIES, capabilityName, capabilitySet } from './capabilities.ts'
import type { PodContext } from './context.ts'
import type { SeccompPlan, SecurityPlan } from './types.ts'

export interface SecurityResult {
  readonly security: SecurityPlan
  readonly findings: readonly Finding[]
}

/** The container's fields win over the pod's. `path` is the container's own. */
export function planSecurity(
  spec: V1PodSpec,
  container: V1Container,
  context: Pick<PodContext, 'seccompRoot'>,
  path: FieldPath,
): SecurityResult {
  const pod = spec.securityContext ?? {}
  const own = container.securityContext ?? {}
  const privileged = own.privileged === true
  const user = own.runAsUser ?? pod.runAsUser
  const group = own.runAsGroup ?? pod.runAsGroup
  const seLinux = { ...pod.seLinuxOptions, ...own.seLinuxOptions }
  const fsGroup = pod.fsGroup === undefined ? [] : [pod.fsGroup]
  const security: SecurityPlan = {
    privileged,
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    readOnlyRootfs: own.readOnlyRootFilesystem === true,
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    runAsNonRoot: own.runAsNonRoot ?? pod.runAsNonRoot ?? false,
    supplementalGroups: [...new Set([...(pod.supplementalGroups ?? []), ...fsGroup])],
    supplementalGroupsPolicy: pod.supplementalGroupsPolicy === 'Strict' ? 'Strict' : 'Merge',
    capabilities: privileged
      ? ALL_CAPABILITIES.toSorted()
      : capabilitySet(own.capabilities?.add ?? [], own.capabilities?.drop ?? []),
    // A privileged container runs without filters, whatever it says, as in containerd's CRI plugin.
    seccomp: privileged
      ? { type: 'Unconfined' }
      : profileOf(own.seccompProfile ?? pod.seccompProfile, context.seccompRoot),
    appArmor: privileged ? { type: 'Unconfined' } : profileOf(own.appArmorProfile ?? pod.appArmorProfile),
    ...(Object.keys(seLinux).length === 0 ? {} : { seLinux }),
    unmaskedProc: own.procMount === 'Unmasked',
    rlimits: [],
  }
  return { security, findings: unknownCapabilities(container, path) }
}

interface Profile {
  readonly type: string
  readonly localhostProfile?: string
}

function profileOf(profile: Profile | undefined, root?: string): SeccompPlan {
  if (profile?.type === 'Localhost') {
    return { type: 'Localhost', profile: profile.localhostProfile ?? '', ...(root === undefined ? {} : { root }) }
  }
  return { type: profile?.type === 'Unconfined' ? 'Unconfined' : 'RuntimeDefault' }
}

function unknownCapabilities(container: V1Container, path: FieldPath): readonly Finding[] {
  const capabilities = container.securityContext?.capabilities
  return (['add', 'drop'] as const).flatMap(list =>
    (capabilities?.[list] ?? []).flatMap((written, index) => {
      const name = capabilityName(written)
      if (name === 'ALL' || ALL_CAPABILITIES.includes(name)) return []
      return [
        notSupported([...path, 'securityContext', 'capabilities', list, index], written, ['ALL', ...ALL_CAPABILITIES]),
      ]
    }),
  )
}
