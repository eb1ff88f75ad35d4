/** The files that every container of a pod shares: /etc/hosts, /etc/hostname and /etc/resolv.conf. */
import type { MachineFacts, PodFacts, ResolvFacts } from './facts.ts'
import type { PodPlan } from './types.ts'

/** Names of the files in `PodFacts.sandboxDir`. */
export const SANDBOX_FILES = ['hosts', 'hostname', 'resolv.conf'] as const

export interface ClusterDns {
  /** Addresses of the name server that knows the pods and Services; none when there is none. */
  readonly nameservers: readonly string[]
  /** `cluster.local` unless configured otherwise. */
  readonly domain: string
}

const NO_DNS: ClusterDns = { nameservers: [], domain: 'cluster.local' }

/** The content of each file by its name. */
export function sandboxFiles(
  pod: PodPlan,
  facts: Pick<PodFacts, 'podIps'>,
  machine: MachineFacts,
  dns: ClusterDns = NO_DNS,
): Readonly<Record<(typeof SANDBOX_FILES)[number], string>> {
  return {
    hosts: hostsFile(pod, facts.podIps, machine),
    hostname: `${pod.hostname === '' ? machine.nodeName : pod.hostname}\n`,
    'resolv.conf': resolvConf(pod, machine, dns),
  }
}

const LOCAL_HOSTS = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
`

/** As the kubelet writes it: on the machine's own network, the machine's file. Source: pkg/kubelet/kubelet_pods.go. */
export function hostsFile(pod: PodPlan, podIps: readonly string[], machine: MachineFacts): string {
  const { hostname, domain, aliases } = pod.hosts
  const extra = aliases.map(alias => `${alias.ip}\t${alias.hostnames.join('\t')}\n`).join('')
  const added = extra === '' ? '' : `\n# Entries added by HostAliases.\n${extra}`
  if (pod.network.mode === 'host') {
    return `# Kubernetes-managed hosts file (host network).\n${machine.hostsFile ?? LOCAL_HOSTS}${added}`
  }
  const names = domain === undefined ? hostname : `${hostname}.${domain}\t${hostname}`
  const own = podIps.map(ip => `${ip}\t${names}\n`).join('')
  return `# Kubernetes-managed hosts file.\n${LOCAL_HOSTS}${own}${added}`
}

/** What the API server allows in a pod, and so what the kubelet keeps. Source: k8s.io/kubernetes/pkg/apis/core/validation. */
const MAX_NAMESERVERS = 3
const MAX_SEARCHES = 32
const MAX_SEARCH_CHARACTERS = 2048

/** In the order in which containerd writes it. */
export function resolvConf(pod: PodPlan, machine: MachineFacts, dns: ClusterDns): string {
  const { nameservers, searches, options } = resolverOf(pod, machine, dns)
  return [
    ...(searches.length > 0 ? [`search ${searches.join(' ')}\n`] : []),
    ...nameservers.map(address => `nameserver ${address}\n`),
    ...(options.length > 0 ? [`options ${options.join(' ')}\n`] : []),
  ].join('')
}

/** The policy's settings, then those of `dnsConfig`: lists are added to, options replaced by name. */
function resolverOf(pod: PodPlan, machine: MachineFacts, dns: ClusterDns): ResolvFacts {
  const base = policySettings(pod, machine, dns)
  return {
    nameservers: unique([...base.nameservers, ...pod.dns.nameservers]).slice(0, MAX_NAMESERVERS),
    searches: fitting(unique([...base.searches, ...pod.dns.searches])),
    options: mergeOptions(base.options, pod.dns.options),
  }
}

function policySettings(pod: PodPlan, machine: MachineFacts, dns: ClusterDns): ResolvFacts {
  const { policy } = pod.dns
  if (policy === 'None') return { nameservers: [], searches: [], options: [] }
  const cluster = policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && pod.network.mode !== 'host')
  // Without a name server for the cluster's names the machine's settings are used, as the kubelet does.
  if (!cluster || dns.nameservers.length === 0) return machine.resolv
  const { domain } = dns
  return {
    nameservers: dns.nameservers,
    searches: [`${pod.namespace}.svc.${domain}`, `svc.${domain}`, domain, ...machine.resolv.searches],
    options: ['ndots:5'],
  }
}

function unique(items: readonly string[]): readonly string[] {
  return [...new Set(items)]
}

function fitting(searches: readonly string[]): readonly string[] {
  const kept: string[] = []
  for (const search of searches.slice(0, MAX_SEARCHES)) {
    if ([...kept, search].join(' ').length > MAX_SEARCH_CHARACTERS) break
    kept.push(search)
  }
  return kept
}

function mergeOptions(base: readonly string[], own: readonly string[]): readonly string[] {
  const byName = new Map(base.map(option => [nameOf(option), option]))
  for (const option of own) byName.set(nameOf(option), option)
  return [...byName.values()]
}

function nameOf(option: string): string {
  return option.split(':', 1)[0] ?? ''
}
