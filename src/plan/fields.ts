/** The downward API: what a pod can learn about itself. */
import type { V1Container } from '@kubernetes/client-node'
import { dividedAmount, milliAmount } from './amount.ts'
import type { MachineFacts, PodFacts } from './facts.ts'
import { allContainers } from './resources.ts'
import type { PodPlan, ResourceRef } from './types.ts'

type FieldReader = (pod: PodPlan, facts: PodFacts, machine: MachineFacts) => string

const FIELDS: Readonly<Record<string, FieldReader>> = {
  'metadata.name': pod => pod.name,
  'metadata.namespace': pod => pod.namespace,
  'metadata.uid': (_pod, facts) => facts.uid,
  'metadata.labels': pod => formatMap(pod.pod.metadata?.labels),
  'metadata.annotations': pod => formatMap(pod.pod.metadata?.annotations),
  'spec.nodeName': (_pod, _facts, machine) => machine.nodeName,
  'spec.serviceAccountName': pod => pod.pod.spec?.serviceAccountName ?? 'default',
  'status.hostIP': (_pod, _facts, machine) => machine.hostIps[0] ?? '',
  'status.hostIPs': (_pod, _facts, machine) => machine.hostIps.join(','),
  'status.podIP': (_pod, facts) => facts.podIps[0] ?? '',
  'status.podIPs': (_pod, facts) => facts.podIps.join(','),
}

/** The value of a field path; empty for an absent label or annotation. Undefined for a path there is no such field for. */
export function fieldValue(path: string, pod: PodPlan, facts: PodFacts, machine: MachineFacts): string | undefined {
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/s.exec(path)
  if (subscript) return pod.pod.metadata?.[subscript[1] as 'labels' | 'annotations']?.[subscript[2] ?? ''] ?? ''
  return FIELDS[path]?.(pod, facts, machine)
}

/** One `key="value"` line each, sorted, quoted as Go quotes. Source: k8s.io/kubernetes/pkg/fieldpath. */
function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  const lines = Object.entries(map ?? {}).map(([key, value]) => `${key}=${quoteGo(value)}`)
  return lines.toSorted().join('\n')
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

/** Go's `%q`: printable characters as they are, the rest escaped. */
export function quoteGo(text: string): string {
  let quoted = ''
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    const escaped = ESCAPES[character]
    if (escaped !== undefined) quoted += escaped
    else if (character === ' ' || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(character)) quoted += character
    else if (code < 0x80) quoted += `\\x${code.toString(16).padStart(2, '0')}`
    else if (code < 0x10000) quoted += `\\u${code.toString(16).padStart(4, '0')}`
    else quoted += `\\U${code.toString(16).padStart(8, '0')}`
  }
  return `"${quoted}"`
}

/**
 * `limits.cpu` and so on as a whole number of divisors, rounded up. Without a limit it is the pod's own, else all that
 * the machine has; without a request it is 0. Source: k8s.io/kubernetes/pkg/api/v1/resource.
 */
export function resourceValue(ref: ResourceRef, pod: PodPlan, machine: MachineFacts): string {
  const container = allContainers(pod.pod).find(candidate => candidate.name === ref.container)
  const [kind, name = ''] = splitOnce(ref.resource, '.')
  const quantity = kind === 'limits' ? limitOf(container, name, pod, machine) : requestOf(container, name)
  return String(dividedAmount(quantity, ref.divisor))
}

function limitOf(container: V1Container | undefined, name: string, pod: PodPlan, machine: MachineFacts): string {
  const set = [container?.resources?.limits?.[name], pod.pod.spec?.resources?.limits?.[name]]
  const limit = set.find(quantity => milliAmount(quantity) > 0)
  if (limit !== undefined) return limit
  if (name === 'cpu') return String(machine.cpus)
  if (name === 'memory') return String(machine.memoryBytes)
  if (name === 'ephemeral-storage') return String(machine.diskBytes ?? 0)
  return '0'
}

function requestOf(container: V1Container | undefined, name: string): string {
  return container?.resources?.requests?.[name] ?? container?.resources?.limits?.[name] ?? '0'
}

function splitOnce(text: string, separator: string): readonly [string, string?] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)]
}
