/** A Pod as an infra container, which owns the namespaces, and members that join them. */
import type { V1Container, V1PodSpec } from '@kubernetes/client-node'
import type { Finding } from '../manifest/finding.ts'
import { forbidden, invalid } from '../manifest/finding.ts'
import { applyAnnotations, ownsUserNamespace } from './annotations.ts'
import { hashOf } from './canonical.ts'
import type { PodContext, PodSource } from './context.ts'
import { planMember } from './plan-member.ts'
import { planPullSecrets } from './pull-secrets.ts'
import { planPodResources, qosClassOf } from './resources.ts'
import type { DnsPlan, HostsPlan, InfraPlan, MemberRole, PodPlan, PortPlan, VolumePlan } from './types.ts'
import { sysctlName, unsupportedFields } from './unsupported.ts'
import { planVolume } from './volumes.ts'

export interface PodResult {
  readonly plan: PodPlan
  /** Their paths start at the Pod. The plan must not be carried out when one of them is an error. */
  readonly findings: readonly Finding[]
}

/** A plan lacks the volumes that its findings refuse. */
export function planPod(source: PodSource, context: PodContext): PodResult {
  const { pod, namespace, name } = source
  const spec = pod.spec as V1PodSpec
  const names = podNames(source, context)
  const userNamespace = ownsUserNamespace(pod)
  const infra = planInfra(spec, userNamespace)
  const volumes = (spec.volumes ?? []).map((volume, index) =>
    planVolume(volume, source, context, ['spec', 'volumes', index]),
  )
  const members = [
    ...(spec.initContainers ?? []).map((container, index) =>
      planMember(container, roleOf(container.restartPolicy), source, context, infra, ['spec', 'initContainers', index]),
    ),
    ...(spec.containers ?? []).map((container, index) =>
      planMember(container, 'main', source, context, infra, ['spec', 'containers', index]),
    ),
  ]
  const annotated = applyAnnotations({ members: members.map(result => result.member) }, pod.metadata?.annotations)
  const pullSecrets = planPullSecrets(source, context)
  const fsGroup = spec.securityContext?.fsGroup
  const plan: Omit<PodPlan, 'hash'> = {
    namespace,
    name,
    ...(source.owner === undefined ? {} : { owner: source.owner }),
    pod,
    hostname: names.kernelHostname,
    qosClass: qosClassOf(pod),
    infra,
    members: annotated.plan.members,
    volumes: volumes.flatMap(result => result.volume ?? []),
    resources: planPodResources(pod),
    ...(fsGroup === undefined ? {} : { fsGroup: { gid: fsGroup, changePolicy: changePolicy(spec) } }),
    network: spec.hostNetwork === true ? { mode: 'host' } : { mode: 'bridge', network: context.network },
    ports: spec.hostNetwork === true ? [] : planPorts(spec),
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? 30,
    hosts: names.hosts,
    dns: planDns(spec),
    registryAuths: pullSecrets.registryAuths,
    userNamespace,
    ...(context.settings?.imageHostname ? { imageHostname: true } : {}),
    ...(context.settings?.logging ? { logging: context.settings.logging } : {}),
    ...(spec.runtimeClassName ? { runtimeClass: handlerOf(spec.runtimeClassName, context) } : {}),
  }
  return {
    plan: { ...plan, hash: planHash(plan) },
    findings: [
      ...unsupportedFields(spec),
      ...annotated.findings,
      ...pullSecrets.findings,
      ...names.findings,
      ...volumes.flatMap(result => result.findings),
      ...members.flatMap(result => result.findings),
    ],
  }
}

/** A class that no object defines is the runtime of that name. */
function handlerOf(name: string, context: PodContext): string {
  return context.find('RuntimeClass', '', name)?.handler ?? name
}

function roleOf(restartPolicy: string | undefined): MemberRole {
  return restartPolicy === 'Always' ? 'sidecar' : 'init'
}

function changePolicy(spec: V1PodSpec): 'Always' | 'OnRootMismatch' {
  return spec.securityContext?.fsGroupChangePolicy === 'OnRootMismatch' ? 'OnRootMismatch' : 'Always'
}

/** A pod on the machine's network also has its host name. Its own pid namespace it has in any case. */
function planInfra(spec: V1PodSpec, userNamespace: boolean): InfraPlan {
  const network = spec.hostNetwork === true ? 'host' : 'owns'
  return {
    namespaces: {
      net: network,
      ipc: spec.hostIPC === true ? 'host' : 'owns',
      uts: network,
      pid: spec.hostPID === true ? 'host' : 'owns',
      ...(userNamespace ? { user: 'owns' as const } : {}),
    },
    sysctls: Object.fromEntries(
      (spec.securityContext?.sysctls ?? []).map(sysctl => [sysctlName(sysctl.name), sysctl.value]),
    ),
  }
}

/** Longest host name the kernel keeps. Source: sethostname(2). */
const MAX_HOSTNAME = 64
/** Longest DNS label; a longer pod name is cut for its host name. */
const MAX_LABEL = 63

interface PodNames {
  readonly kernelHostname: string
  readonly hosts: HostsPlan
  readonly findings: readonly Finding[]
}

/** Source: k8s.io/kubernetes/pkg/kubelet/util.GetNodenameForKernel. */
function podNames(source: PodSource, context: PodContext): PodNames {
  const spec = source.pod.spec as V1PodSpec
  const override = spec.hostnameOverride
  const hostname = override || spec.hostname || source.name.slice(0, MAX_LABEL).replace(/[-.]+$/, '')
  const domain =
    spec.subdomain && !override ? `${spec.subdomain}.${source.namespace}.svc.${context.clusterDomain}` : undefined
  const hosts: HostsPlan = {
    managed: context.settings?.imageHosts !== true,
    aliases: (spec.hostAliases ?? []).map(alias => ({ ip: alias.ip, hostnames: alias.hostnames ?? [] })),
    hostname,
    ...(domain === undefined ? {} : { domain }),
  }
  const findings =
    hosts.managed || hosts.aliases.length === 0
      ? []
      : [forbidden(['spec', 'hostAliases'], "the images' own /etc/hosts is to stay (--no-hosts)")]
  if (spec.hostNetwork === true) return { kernelHostname: '', hosts, findings }
  if (spec.setHostnameAsFQDN !== true || domain === undefined) return { kernelHostname: hostname, hosts, findings }
  const fqdn = `${hostname}.${domain}`
  if (fqdn.length <= MAX_HOSTNAME) return { kernelHostname: fqdn, hosts, findings }
  const detail = `FQDN ${fqdn} is too long (${MAX_HOSTNAME} is the max, ${fqdn.length} is the length)`
  return {
    kernelHostname: hostname,
    hosts,
    findings: [...findings, invalid(['spec', 'setHostnameAsFQDN'], true, detail)],
  }
}

/** Host ports of what runs as long as the pod: not of init containers. */
function planPorts(spec: V1PodSpec): readonly PortPlan[] {
  const sidecars = (spec.initContainers ?? []).filter(container => container.restartPolicy === 'Always')
  return [...sidecars, ...(spec.containers ?? [])].flatMap(container =>
    (container.ports ?? []).flatMap(port => {
      if (!port.hostPort) return []
      const hostIp = port.hostIP === undefined || port.hostIP === '0.0.0.0' || port.hostIP === '::' ? '' : port.hostIP
      const protocol = (port.protocol ?? 'TCP') as PortPlan['protocol']
      return [
        { container: container.name, hostIp, hostPort: port.hostPort, containerPort: port.containerPort, protocol },
      ]
    }),
  )
}

function planDns(spec: V1PodSpec): DnsPlan {
  const { nameservers = [], searches = [], options = [] } = spec.dnsConfig ?? {}
  return {
    policy: (spec.dnsPolicy ?? 'ClusterFirst') as DnsPlan['policy'],
    nameservers,
    searches,
    options: options.flatMap(option => {
      if (!option.name) return []
      return [option.value === undefined ? option.name : `${option.name}:${option.value}`]
    }),
  }
}

/**
 * What changes under a running pod does not count: labels and annotations, the contents of files, the size of a claim; nor
 * do credentials. What annotations ask for is in the plan by other names, and so are mounts, of which there can be many.
 */
function planHash(plan: Omit<PodPlan, 'hash'>): string {
  const volumes = plan.volumes.map((volume): VolumePlan => {
    if (volume.kind === 'files') return { ...volume, files: [] }
    if (volume.kind !== 'claim') return volume
    const { sizeBytes: _size, ...rest } = volume
    return rest
  })
  const { labels: _labels, annotations: _annotations, ...metadata } = plan.pod.metadata ?? {}
  const withoutMounts = (container: V1Container) => ({ ...container, volumeMounts: undefined })
  const spec = {
    ...plan.pod.spec,
    containers: plan.pod.spec?.containers.map(withoutMounts),
    initContainers: plan.pod.spec?.initContainers?.map(withoutMounts),
  }
  return hashOf({ ...plan, pod: { ...plan.pod, metadata, spec }, volumes, registryAuths: [] })
}
