/** What no machine of this kind can give a pod: told as errors, never left out in silence. */
import type { V1Container, V1PodSpec } from '@kubernetes/client-node'
import type { FieldPath } from '../diagnostic.ts'
import { type Finding, invalid } from '../manifest/finding.ts'
import { isDeviceName } from './device-names.ts'
import { refused } from './refused.ts'

/** Findings about the pod as a whole and each of its containers. */
export function unsupportedFields(spec: V1PodSpec): readonly Finding[] {
  return [
    ...windowsFields(spec),
    ...sysctlFindings(spec),
    ...(spec.resourceClaims ?? []).map((_, index) =>
      refused(['spec', 'resourceClaims', index], 'there is no driver that allocates devices to claims'),
    ),
    ...resourceNames(spec.resources, ['spec', 'resources']),
    ...hostAddresses(spec),
    ...(['initContainers', 'containers'] as const).flatMap(list =>
      (spec[list] ?? []).flatMap((container, index) => containerFindings(container, ['spec', list, index])),
    ),
  ]
}

function windowsFields(spec: V1PodSpec): readonly Finding[] {
  const name = spec.os?.name
  return [
    ...(name === undefined || name === 'linux' ? [] : [refused(['spec', 'os', 'name'], 'this machine runs Linux')]),
    ...windowsOptions(spec.securityContext, ['spec', 'securityContext']),
  ]
}

function windowsOptions(
  context: { readonly windowsOptions?: object } | undefined,
  path: FieldPath,
): readonly Finding[] {
  return context?.windowsOptions === undefined ? [] : [refused([...path, 'windowsOptions'], 'this machine runs Linux')]
}

function containerFindings(container: V1Container, path: FieldPath): readonly Finding[] {
  return [
    ...windowsOptions(container.securityContext, [...path, 'securityContext']),
    ...resourceNames(container.resources, [...path, 'resources']),
    ...(container.resources?.claims ?? []).map((_, index) =>
      refused([...path, 'resources', 'claims', index], 'there is no driver that allocates devices to claims'),
    ),
  ]
}

/** Pods have no IPv6 address that such a port could lead to; `::` counts as every address there is. */
function hostAddresses(spec: V1PodSpec): readonly Finding[] {
  if (spec.hostNetwork === true) return []
  return (['initContainers', 'containers'] as const).flatMap(list =>
    (spec[list] ?? []).flatMap((container, index) =>
      (container.ports ?? []).flatMap(({ hostIP, hostPort }, port) =>
        hostPort && hostIP?.includes(':') && hostIP !== '::'
          ? [refused(['spec', list, index, 'ports', port, 'hostIP'], 'pods have IPv4 addresses')]
          : [],
      ),
    ),
  )
}

const KNOWN_RESOURCES = new Set(['cpu', 'memory', 'ephemeral-storage'])

interface Amounts {
  readonly limits?: Readonly<Record<string, string>>
  readonly requests?: Readonly<Record<string, string>>
}

/** An extended resource needs a device plugin that counts it. One that is not wanted (0) does no harm. */
function resourceNames(resources: Amounts | undefined, path: FieldPath): readonly Finding[] {
  const named = (['limits', 'requests'] as const).flatMap(kind =>
    Object.entries(resources?.[kind] ?? {}).map(([name, amount]) => ({ kind, name, amount })),
  )
  const unknown = named.filter(
    ({ name, amount }) =>
      !KNOWN_RESOURCES.has(name) &&
      !name.startsWith('hugepages-') &&
      !isDeviceName(name) &&
      !/^0*$/.test(String(amount)),
  )
  // The API server copies a limit to the request: once is enough.
  const once = new Map(unknown.toReversed().map(resource => [resource.name, resource]))
  return [...once.values()].map(({ kind, name }) =>
    refused([...path, kind, name], `nothing on this machine provides the resource ${name}`),
  )
}

/** Which namespace isolates a kernel parameter. Source: k8s.io/component-helpers and the kubelet's sysctl allow list. */
const SYSCTL_NAMESPACES: readonly { readonly pattern: RegExp; readonly host: 'hostIPC' | 'hostNetwork' }[] = [
  { pattern: /^kernel\.(shm|msg|sem)/, host: 'hostIPC' },
  { pattern: /^fs\.mqueue\./, host: 'hostIPC' },
  { pattern: /^net\./, host: 'hostNetwork' },
]

function sysctlFindings(spec: V1PodSpec): readonly Finding[] {
  return (spec.securityContext?.sysctls ?? []).flatMap((sysctl, index) => {
    const at = ['spec', 'securityContext', 'sysctls', index, 'name']
    const known = SYSCTL_NAMESPACES.find(({ pattern }) => pattern.test(sysctlName(sysctl.name)))
    if (!known) {
      return [refused(at, `${sysctl.name} belongs to the whole machine, not to a pod: set it with sysctl -w`)]
    }
    if (spec[known.host] !== true) return []
    return [invalid(at, sysctl.name, `not allowed with ${known.host}: it would change the machine's own`)]
  })
}

/** Kubernetes takes both spellings: in the one that begins with a slash separator, dots belong to the names. */
export function sysctlName(name: string): string {
  if (/[./]/.exec(name)?.[0] !== '/') return name
  return name.replace(/[./]/g, separator => (separator === '/' ? '.' : '/'))
}
