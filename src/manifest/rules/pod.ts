/** The pod spec. Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go, ValidatePodSpec. */
import type {
  V1Container,
  V1EphemeralContainer,
  V1Pod,
  V1PodSpec,
  V1PodTemplateSpec,
  V1Volume,
} from '@kubernetes/client-node'
import type { FieldPath } from '../../diagnostic.ts'
import { duplicate, forbidden, invalid, notFound, notSupported, required, tooLong } from '../finding.ts'
import { checkForm, checkNotEmpty, checkOneOf, checkRange, entriesAt, type Findings } from './check.ts'
import { type ContainerSurroundings, checkContainer } from './container.ts'
import { checkAnnotations, checkLabels } from './metadata.ts'
import {
  checkDnsLabel,
  checkDnsSubdomain,
  checkDnsSubdomainWithUnderscore,
  checkIp,
  checkQualifiedName,
} from './names.ts'
import { checkNoNul } from './nul.ts'
import { warnOfPod } from './pod-warnings.ts'
import { checkHooks, checkRestart, type HookSurroundings } from './probes.ts'
import { checkPodResources } from './resources.ts'
import { checkScheduling } from './scheduling.ts'
import { checkPodSecurityContext } from './security.ts'
import { checkVolumes } from './volumes.ts'

const maxInt32 = 2 ** 31 - 1

export function* checkPod(pod: V1Pod): Findings {
  const spec = pod.spec
  if (spec === undefined) {
    yield required(['spec', 'containers'])
    return
  }
  yield* checkPodSpec(['spec'], spec, { podName: pod.metadata?.name ?? '', isPod: true })
  for (const [field, containers] of [
    ['containers', spec.containers],
    ['initContainers', spec.initContainers],
  ] as const)
    for (const [at, { image }] of entriesAt(['spec', field], containers))
      if (image !== undefined && image !== image.trim())
        yield invalid([...at, 'image'], image, 'must not have leading or trailing whitespace')
  if ((spec.ephemeralContainers ?? []).length > 0)
    yield forbidden(['spec', 'ephemeralContainers'], 'cannot be set on create')
  if ((spec.nodeName ?? '') !== '' && (spec.schedulingGates ?? []).length > 0)
    yield forbidden(['spec', 'nodeName'], 'cannot be set until all schedulingGates have been cleared')
  yield* warnOfPod([], pod)
}

/** The template of a workload; `extraVolumes` are the names of a StatefulSet's claims. */
export function* checkPodTemplate(
  at: FieldPath,
  template: V1PodTemplateSpec,
  extraVolumes: readonly string[] = [],
): Findings {
  yield* checkLabels([...at, 'metadata', 'labels'], template.metadata?.labels)
  yield* checkAnnotations([...at, 'metadata', 'annotations'], template.metadata?.annotations)
  if (template.spec === undefined) yield required([...at, 'spec', 'containers'])
  else yield* checkPodSpec([...at, 'spec'], template.spec, { podName: '', isPod: false, extraVolumes })
  if ((template.spec?.ephemeralContainers ?? []).length > 0)
    yield forbidden([...at, 'spec', 'ephemeralContainers'], 'ephemeral containers not allowed in pod template')
  yield* warnOfPod(at, template)
}

interface PodPlace {
  readonly podName: string
  readonly isPod: boolean
  readonly extraVolumes?: readonly string[]
}

function* checkPodSpec(at: FieldPath, spec: V1PodSpec, place: PodPlace): Findings {
  yield* checkNoNul(at, spec)
  yield* checkVolumes([...at, 'volumes'], spec.volumes, place.podName)
  yield* checkContainers(at, spec, place)
  yield* checkPodResources(at, spec)
  yield* checkHostPorts(at, spec, place.isPod)
  yield* checkOneOf([...at, 'restartPolicy'], spec.restartPolicy, ['Always', 'OnFailure', 'Never'])
  const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']
  yield* checkOneOf([...at, 'dnsPolicy'], spec.dnsPolicy, dnsPolicies)
  yield* checkPodSecurityContext(at, spec)
  yield* checkDnsConfig([...at, 'dnsConfig'], spec)
  for (const [gateAt, gate] of entriesAt([...at, 'readinessGates'], spec.readinessGates))
    yield* checkForm([...gateAt, 'conditionType'], gate.conditionType, checkQualifiedName)
  yield* checkScheduling(at, spec)
  yield* checkNames(at, spec)
  yield* checkRange([...at, 'activeDeadlineSeconds'], spec.activeDeadlineSeconds, 1, maxInt32)
  const grace = spec.terminationGracePeriodSeconds
  if (grace !== undefined && grace < 0)
    yield invalid([...at, 'terminationGracePeriodSeconds'], grace, 'must be greater than or equal to 0')
  for (const [aliasAt, alias] of entriesAt([...at, 'hostAliases'], spec.hostAliases)) {
    if (alias.ip !== undefined) yield* checkForm([...aliasAt, 'ip'], alias.ip, checkIp)
    for (const [nameAt, name] of entriesAt([...aliasAt, 'hostnames'], alias.hostnames))
      yield* checkForm(nameAt, name, checkDnsSubdomain)
  }
  yield* checkOneOf([...at, 'preemptionPolicy'], spec.preemptionPolicy, ['PreemptLowerPriority', 'Never'])
  if (spec.os !== undefined) {
    yield* checkNotEmpty([...at, 'os', 'name'], spec.os.name, 'cannot be empty')
    const systems = ['linux', 'windows']
    if (spec.os.name && !systems.includes(spec.os.name)) yield notSupported([...at, 'os'], spec.os.name, systems)
  }
}

/** Bytes of a host name in the kernel. */
const HOSTNAME_LIMIT = 64

function* checkNames(at: FieldPath, spec: V1PodSpec): Findings {
  const forms = [
    ['serviceAccountName', checkDnsSubdomain],
    ['nodeName', checkDnsSubdomain],
    ['hostname', checkDnsLabel],
    ['subdomain', checkDnsLabel],
    ['hostnameOverride', checkDnsSubdomain],
    ['priorityClassName', checkDnsSubdomain],
  ] as const
  for (const [field, form] of forms) {
    const value = spec[field]
    if (value !== undefined && value !== '') yield* checkForm([...at, field], value, form)
  }
  yield* checkForm([...at, 'runtimeClassName'], spec.runtimeClassName, checkDnsSubdomain)
  if (spec.hostnameOverride === undefined) return
  if (spec.hostnameOverride.length > HOSTNAME_LIMIT) yield tooLong([...at, 'hostnameOverride'], HOSTNAME_LIMIT)
  const exclusive = 'may not be set together with hostnameOverride'
  for (const field of ['setHostnameAsFQDN', 'hostNetwork'] as const)
    if (spec[field] === true) yield forbidden([...at, field], exclusive)
}

function* checkContainers(at: FieldPath, spec: V1PodSpec, place: PodPlace): Findings {
  const containers = spec.containers ?? []
  if (spec.containers !== undefined && containers.length === 0) yield required([...at, 'containers'])
  const volumes = new Map<string, V1Volume>((spec.volumes ?? []).map(volume => [volume.name, volume]))
  for (const name of place.extraVolumes ?? []) volumes.set(name, { name, persistentVolumeClaim: { claimName: name } })
  const pod: ContainerSurroundings = {
    volumes,
    hostUsers: spec.hostUsers !== false,
    restartPolicy: spec.restartPolicy ?? 'Always',
  }
  const hooks = { graceSeconds: spec.terminationGracePeriodSeconds ?? 30, osName: spec.os?.name }
  const names = new Set<string>()
  for (const [containerAt, container] of entriesAt([...at, 'containers'], containers)) {
    yield* checkContainer(containerAt, container, pod)
    yield* claimName(containerAt, container.name, names)
    yield* checkHooks(containerAt, container, hooks)
    yield* checkRestart(containerAt, container)
  }
  for (const [containerAt, container] of entriesAt([...at, 'initContainers'], spec.initContainers)) {
    yield* checkContainer(containerAt, container, pod)
    yield* claimName(containerAt, container.name, names)
    yield* checkInitContainer(containerAt, container, hooks)
  }
  yield* checkEphemeralContainers([...at, 'ephemeralContainers'], spec.ephemeralContainers, { pod, names })
}

function* claimName(at: FieldPath, name: string | undefined, names: Set<string>): Findings {
  if (name === undefined || name === '') return
  if (names.has(name)) yield duplicate([...at, 'name'], name)
  names.add(name)
}

function* checkInitContainer(at: FieldPath, container: V1Container, hooks: HookSurroundings): Findings {
  yield* checkRestart(at, container)
  if (container.restartPolicy === 'Always') {
    yield* checkHooks(at, container, hooks)
    return
  }
  for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const)
    if (container[field] !== undefined)
      yield forbidden([...at, field], 'may not be set for init containers without restartPolicy=Always')
}

const notForEphemeral = [
  'ports',
  'resources',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'restartPolicy',
  'resizePolicy',
] as const

function* checkEphemeralContainers(
  path: FieldPath,
  containers: readonly V1EphemeralContainer[] | undefined,
  { pod, names }: { readonly pod: ContainerSurroundings; readonly names: Set<string> },
): Findings {
  const others = new Set(names)
  for (const [at, container] of entriesAt(path, containers)) {
    yield* checkContainer(at, container, pod)
    yield* claimName(at, container.name, names)
    const target = container.targetContainerName
    if (target !== undefined && target !== '' && !others.has(target))
      yield notFound([...at, 'targetContainerName'], target)
    for (const field of notForEphemeral)
      if (container[field] !== undefined) yield forbidden([...at, field], 'cannot be set for an Ephemeral Container')
    for (const [mountAt, mount] of entriesAt([...at, 'volumeMounts'], container.volumeMounts))
      for (const field of ['subPath', 'subPathExpr'] as const)
        if (mount[field]) yield forbidden([...mountAt, field], 'cannot be set for an Ephemeral Container')
  }
}

/** Ports of the host: one holder each; with hostNetwork they are the container's. */
function* checkHostPorts(at: FieldPath, spec: V1PodSpec, isPod: boolean): Findings {
  const taken = new Set<string>()
  const sidecars = (spec.initContainers ?? []).map((container, index) => ({ container, index }))
  for (const [containerAt, container] of entriesAt([...at, 'containers'], spec.containers)) {
    yield* claimHostPorts(containerAt, container, taken)
    if (spec.hostNetwork !== true) continue
    for (const [portAt, { hostPort = 0, containerPort }] of entriesAt([...containerAt, 'ports'], container.ports)) {
      // Defaulting sets the host's port when it is left out.
      if (hostPort !== 0 && hostPort !== containerPort)
        yield invalid([...portAt, 'hostPort'], hostPort, 'must match `containerPort` when `hostNetwork` is true')
      const key = `${portProtocol(container, portAt)}//${containerPort}`
      if (hostPort === 0 && isPod && taken.has(key)) yield duplicate([...portAt, 'hostPort'], key)
      if (hostPort === 0 && isPod) taken.add(key)
    }
  }
  // Init containers run one by one: each is looked at for itself.
  for (const { container, index } of sidecars)
    yield* claimHostPorts([...at, 'initContainers', index], container, new Set())
}

function portProtocol(container: V1Container, portAt: FieldPath): string {
  return container.ports?.[Number(portAt.at(-1))]?.protocol || 'TCP'
}

function* claimHostPorts(at: FieldPath, container: V1Container, taken: Set<string>): Findings {
  for (const [portAt, port] of entriesAt([...at, 'ports'], container.ports)) {
    if (port.hostPort === undefined || port.hostPort === 0) continue
    const key = `${port.protocol || 'TCP'}/${port.hostIP ?? ''}/${port.hostPort}`
    if (taken.has(key)) yield duplicate([...portAt, 'hostPort'], key)
    taken.add(key)
  }
}

function* checkDnsConfig(at: FieldPath, spec: V1PodSpec): Findings {
  const config = spec.dnsConfig
  const nameservers = config?.nameservers ?? []
  if (spec.dnsPolicy === 'None' && config === undefined)
    yield required(at, 'must provide `dnsConfig` when `dnsPolicy` is None')
  else if (spec.dnsPolicy === 'None' && nameservers.length === 0)
    yield required([...at, 'nameservers'], 'must provide at least one DNS nameserver when `dnsPolicy` is None')
  if (config === undefined) return
  if (nameservers.length > 3)
    yield invalid([...at, 'nameservers'], nameservers, 'must not have more than 3 nameservers')
  for (const [serverAt, server] of entriesAt([...at, 'nameservers'], nameservers))
    yield* checkForm(serverAt, server, checkIp)
  const searches = config.searches ?? []
  if (searches.length > 32) yield invalid([...at, 'searches'], searches, 'must not have more than 32 search paths')
  if (searches.join(' ').length > 2048)
    yield invalid(
      [...at, 'searches'],
      searches,
      'must not have more than 2048 characters (including spaces) in the search list',
    )
  for (const [searchAt, search] of entriesAt([...at, 'searches'], searches))
    if (search !== '.') yield* checkForm(searchAt, search.replace(/\.$/, ''), checkDnsSubdomainWithUnderscore)
  for (const [optionAt, option] of entriesAt([...at, 'options'], config.options))
    if ((option.name ?? '') === '') yield required(optionAt, 'must not be empty')
}
