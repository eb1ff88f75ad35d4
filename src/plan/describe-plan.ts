/** A plan for people and programs to look at: what `kube plan` prints. No value of a Secret is in it. */
import { contentLength } from './key-content.ts'
import type {
  EnvPlan,
  FilePlan,
  MemberPlan,
  MountPlan,
  NamespacePlan,
  PodPlan,
  PortPlan,
  ResourcePlan,
  VolumePlan,
} from './types.ts'

/** What stands in for the uid that a pod gets when it is made. */
const UID = '<uid>'

export interface PlanDescription {
  readonly pods: readonly PodDescription[]
}

export type PodDescription = ReturnType<typeof describePod>

/** The object that `kube plan -o json` and `-o yaml` print. */
export function describePlan(pods: readonly PodPlan[]): PlanDescription {
  return { pods: pods.map(describePod) }
}

function describePod(pod: PodPlan) {
  return {
    namespace: pod.namespace,
    name: pod.name,
    ...(pod.owner === undefined ? {} : { owner: pod.owner }),
    hash: pod.hash,
    ...(pod.hostname === '' ? {} : { hostname: pod.hostname }),
    qosClass: pod.qosClass,
    network: pod.network,
    ports: pod.ports,
    infra: {
      namespaces: pod.infra.namespaces,
      ...(Object.keys(pod.infra.sysctls).length === 0 ? {} : { sysctls: pod.infra.sysctls }),
      cgroup: `/kube/pod${UID}`,
      resources: pod.resources,
    },
    members: pod.members.map(describeMember),
    volumes: pod.volumes.map(describeVolume),
    hosts: pod.hosts,
    dns: pod.dns,
    terminationGracePeriodSeconds: pod.terminationGracePeriodSeconds,
  }
}

function describeMember(member: MemberPlan) {
  const { container: _container, env, ...rest } = member
  return { ...rest, env: env.map(describeVariable), cgroup: `/kube/pod${UID}/${member.name}` }
}

function describeVariable(variable: EnvPlan) {
  if (!('source' in variable)) return variable
  const { name, source, text } = variable
  return source.kind === 'Secret' ? { name, source } : { name, source, value: text }
}

function describeVolume(volume: VolumePlan) {
  return volume.kind === 'files' ? { ...volume, files: volume.files.map(describeFile) } : volume
}

/** A file's content is not shown, only where it comes from. */
function describeFile(file: FilePlan) {
  if (!('text' in file || 'base64' in file)) return file
  const { path, mode } = file
  return { path, mode, bytes: contentLength(file) }
}

/** The same for a terminal, one pod after the other. */
export function formatPlan(pods: readonly PodPlan[]): string {
  return pods.map(formatPod).join('\n')
}

function formatPod(pod: PodPlan): string {
  const owner = pod.owner === undefined ? '' : ` of ${pod.owner.kind} ${pod.owner.name}`
  const network = pod.network.mode === 'host' ? "the machine's" : `bridge ${pod.network.network}`
  const lines = [
    `pod ${pod.namespace}/${pod.name}${owner}`,
    field('network', network),
    ...(pod.ports.length === 0 ? [] : [field('ports', pod.ports.map(formatPort).join(', '))]),
    ...pod.volumes.map(volume => field('volume', `${volume.name}: ${formatVolume(volume)}`)),
    '  infra container',
    field('namespaces', formatNamespaces(pod.infra.namespaces), 4),
    ...Object.entries(pod.infra.sysctls).map(([name, value]) => field('sysctl', `${name}=${value}`, 4)),
    field('cgroup', formatCgroup(`/kube/pod${UID}`, pod.resources), 4),
    ...pod.members.flatMap(formatMember),
  ]
  return `${lines.join('\n')}\n`
}

const ROLES = {
  init: 'init container',
  sidecar: 'sidecar',
  ephemeral: 'ephemeral container',
  main: 'container',
} as const

function formatMember(member: MemberPlan): readonly string[] {
  const optional = (name: string, words: readonly string[] | undefined) =>
    words === undefined ? [] : [field(name, JSON.stringify(words), 4)]
  return [
    `  ${ROLES[member.role]} ${member.name}`,
    field('image', `${member.image} (${member.pullPolicy})`, 4),
    ...optional('command', member.command),
    ...optional('args', member.args),
    ...(member.workingDir === undefined ? [] : [field('directory', member.workingDir, 4)]),
    field('namespaces', formatNamespaces(member.namespaces), 4),
    ...member.env.map(variable => field('env', formatVariable(variable), 4)),
    ...member.mounts.map(mount => field('mount', formatMount(mount), 4)),
    field('cgroup', formatCgroup(`/kube/pod${UID}/${member.name}`, member.resources), 4),
  ]
}

function field(name: string, value: string, indent = 2): string {
  return `${' '.repeat(indent)}${name.padEnd(12)}${value}`
}

/** `joins net, ipc, uts; owns pid, mount`. */
function formatNamespaces(plan: NamespacePlan): string {
  return (['owns', 'joins', 'host'] as const)
    .flatMap(source => {
      const kinds = Object.entries(plan).flatMap(([kind, its]) => (its === source ? [kind] : []))
      if (kinds.length === 0) return []
      return [`${source === 'host' ? "the machine's" : source} ${kinds.join(', ')}`]
    })
    .join('; ')
}

function formatPort(port: PortPlan): string {
  const host = port.hostIp === '' ? '' : `${port.hostIp}:`
  return `${host}${port.hostPort} -> ${port.container}:${port.containerPort}/${port.protocol.toLowerCase()}`
}

function formatVariable(variable: EnvPlan): string {
  if ('value' in variable) return `${variable.name}=${oneLine(variable.value)}`
  if ('source' in variable) {
    const { kind, name, key } = variable.source
    return `${variable.name} from key ${key} of ${kind} ${name}`
  }
  if ('field' in variable) return `${variable.name} from ${variable.field}`
  if ('file' in variable) return `${variable.name} from key ${variable.file.key} of ${variable.file.path}`
  return `${variable.name} from ${variable.resource.resource} of ${variable.resource.container}`
}

function oneLine(text: string): string {
  return /[\p{Cc}]/u.test(text) ? JSON.stringify(text) : text
}

function formatMount(mount: MountPlan): string {
  const below = mount.subPath ?? mount.subPathExpr
  const details = [
    mount.readOnly ? 'read-only' : 'read-write',
    ...(mount.propagation === 'private' ? [] : [mount.propagation]),
  ]
  return `${mount.destination} from ${mount.volume}${below === undefined ? '' : `/${below}`} (${details.join(', ')})`
}

function formatVolume(volume: VolumePlan): string {
  switch (volume.kind) {
    case 'emptyDir':
      return volume.medium === 'disk' ? 'emptyDir' : `emptyDir in ${volume.medium}`
    case 'hostPath':
      return `hostPath ${volume.path}`
    case 'files':
      return `${volume.source} (${volume.files.map(file => file.path).join(', ')})`
    case 'claim':
      return `claim ${volume.claim}${volume.path === undefined ? '' : ` at ${volume.path}`}`
    case 'image':
      return `image ${volume.reference}`
  }
}

function formatCgroup(path: string, resources: ResourcePlan): string {
  const limits = [
    ...(resources.cpuQuotaUs === undefined ? [] : [`cpu ${resources.cpuQuotaUs / (resources.cpuPeriodUs ?? 1)}`]),
    ...(resources.memoryBytes === undefined ? [] : [`memory ${resources.memoryBytes}`]),
    ...(resources.pidsLimit === undefined ? [] : [`pids ${resources.pidsLimit}`]),
  ]
  return limits.length === 0 ? path : `${path} (at most ${limits.join(', ')})`
}
