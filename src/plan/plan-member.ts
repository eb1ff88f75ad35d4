/** A container of a pod, as a member of the infra container's namespaces. */
import type { V1Container, V1PodSpec, V1VolumeMount } from '@kubernetes/client-node'
import type { FieldPath } from '../diagnostic.ts'
import type { Finding } from '../manifest/finding.ts'
import type { PodContext, PodSource } from './context.ts'
import { deviceNames } from './device-names.ts'
import { planEnv } from './env.ts'
import { mountPlaceFindings } from './mount-places.ts'
import { planResources } from './resources.ts'
import { planSecurity } from './security.ts'
import type { InfraPlan, MemberPlan, MemberRole, MountPlan, NamespacePlan, PullPolicy } from './types.ts'

export interface MemberResult {
  readonly member: MemberPlan
  readonly findings: readonly Finding[]
}

const DEFAULT_TERMINATION_PATH = '/dev/termination-log'

/** `path` is the container's own, below the pod. */
export function planMember(
  container: V1Container,
  role: MemberRole,
  source: PodSource,
  context: PodContext,
  infra: InfraPlan,
  path: FieldPath,
): MemberResult {
  const spec = source.pod.spec as V1PodSpec
  const { env, findings: envFindings } = planEnv(container, source, context, path)
  const { security, findings: securityFindings } = planSecurity(spec, container, context, path)
  const devices = deviceNames(container.resources)
  const stopSignal = container.lifecycle?.stopSignal
  const member: MemberPlan = {
    name: container.name,
    role,
    image: container.image ?? '',
    pullPolicy: (container.imagePullPolicy ?? 'IfNotPresent') as PullPolicy,
    namespaces: memberNamespaces(spec, infra.namespaces),
    ...(container.command?.length ? { command: container.command } : {}),
    ...(container.args?.length ? { args: container.args } : {}),
    ...(container.workingDir ? { workingDir: container.workingDir } : {}),
    env,
    serviceLinks: spec.enableServiceLinks !== false,
    mounts: (container.volumeMounts ?? []).map(planMount),
    devices: (container.volumeDevices ?? []).map(device => ({ volume: device.name, destination: device.devicePath })),
    ...(devices.length === 0 ? {} : { deviceNames: devices }),
    resources: planResources(container.resources, spec.resources?.limits),
    security,
    terminal: container.tty === true,
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    terminationMessagePath: container.terminationMessagePath || DEFAULT_TERMINATION_PATH,
    ...(stopSignal === undefined ? {} : { stopSignal }),
    container,
  }
  return { member, findings: [...envFindings, ...securityFindings, ...mountPlaceFindings(container, spec, path)] }
}

/** The infra container's net, ipc and uts; its pid namespace only when the pod shares it, else one of its own. */
function memberNamespaces(spec: V1PodSpec, infra: NamespacePlan): NamespacePlan {
  const shared = (kind: 'net' | 'ipc' | 'uts') => (infra[kind] === 'owns' ? 'joins' : 'host')
  return {
    net: shared('net'),
    ipc: shared('ipc'),
    uts: shared('uts'),
    pid: spec.hostPID === true ? 'host' : spec.shareProcessNamespace === true ? 'joins' : 'owns',
    mount: 'owns',
    ...(infra.user === 'owns' ? { user: 'joins' as const } : {}),
  }
}

const PROPAGATION: Readonly<Record<string, MountPlan['propagation']>> = {
  None: 'private',
  HostToContainer: 'rslave',
  Bidirectional: 'rshared',
}

const RECURSIVE: Readonly<Record<string, MountPlan['recursiveReadOnly']>> = {
  Disabled: 'Disabled',
  IfPossible: 'IfPossible',
  Enabled: 'Enabled',
}

function planMount(mount: V1VolumeMount): MountPlan {
  return {
    volume: mount.name,
    destination: mount.mountPath,
    readOnly: mount.readOnly === true,
    recursiveReadOnly: RECURSIVE[mount.recursiveReadOnly ?? ''] ?? 'Disabled',
    ...(mount.subPath ? { subPath: mount.subPath } : {}),
    ...(mount.subPathExpr ? { subPathExpr: mount.subPathExpr } : {}),
    propagation: PROPAGATION[mount.mountPropagation ?? 'None'] ?? 'private',
  }
}
