/** The nftables rules of one network, as text. Pure. Source: nft(8). */
import { formatSubnet, type Subnet } from './subnet.ts'

export interface PublishedPort {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  /** An address of the machine, or `` for all of them and 127.0.0.1. */
  readonly hostIp: string
  readonly hostPort: number
  readonly podIp: string
  readonly containerPort: number
}

/** What a pod may send as. */
export interface PodSource {
  /** The machine's end of its link. */
  readonly link: string
  readonly mac: string
  readonly address: string
}

export interface FirewallPlan {
  /** Name of the tables, which are ours alone. */
  readonly table: string
  readonly bridge: string
  readonly subnet: Subnet
  readonly ports: readonly PublishedPort[]
}

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const

/**
 * Replaces the whole table in one transaction: the first two lines make sure that there is one to delete. Ports are
 * looked up in maps, so a packet's cost does not grow with their number.
 *
 * The bridge takes packets for 127.0.0.0/8 (route_localnet), as those that the machine sends to its own published ports come
 * back by it. So what a pod sends there is dropped before any address is translated back: what comes by a wire never is for
 * that network then. Source: CVE-2020-8558, the kubelet's KUBE-FIREWALL.
 */
export function firewallRules(plan: FirewallPlan): string {
  const subnet = formatSubnet(plan.subnet)
  const maps: string[] = []
  const lookups: string[] = []
  for (const protocol of PROTOCOLS) {
    const name = protocol.toLowerCase()
    const bound = plan.ports.filter(port => port.protocol === protocol && port.hostIp !== '')
    const open = plan.ports.filter(port => port.protocol === protocol && port.hostIp === '')
    if (bound.length > 0) {
      const elements = bound.map(port => `${port.hostIp} . ${port.hostPort} : ${target(port)}`)
      maps.push(portMap(`${name}_bound`, 'ipv4_addr . inet_service', elements))
      lookups.push(`    dnat ip to ip daddr . ${name} dport map @${name}_bound`)
    }
    if (open.length > 0) {
      const elements = open.map(port => `${port.hostPort} : ${target(port)}`)
      maps.push(portMap(`${name}_open`, 'inet_service', elements))
      lookups.push(`    dnat ip to ${name} dport map @${name}_open`)
    }
  }
  return `${[
    ...emptied('ip', plan.table),
    `table ip ${plan.table} {`,
    ...maps,
    '  chain ports {',
    ...lookups,
    '  }',
    '  chain border {',
    '    type filter hook prerouting priority raw; policy accept;',
    `    iifname "${plan.bridge}" ip daddr 127.0.0.0/8 drop`,
    `    iifname "${plan.bridge}" ip saddr != ${subnet} drop`,
    '  }',
    '  chain prerouting {',
    '    type nat hook prerouting priority dstnat; policy accept;',
    '    fib daddr type local jump ports',
    '  }',
    '  chain output {',
    '    type nat hook output priority -100; policy accept;',
    '    fib daddr type local jump ports',
    '  }',
    '  chain postrouting {',
    '    type nat hook postrouting priority srcnat; policy accept;',
    // What was sent to 127.0.0.1, or by a pod to its own published port, must come back the same way.
    `    oifname "${plan.bridge}" ip saddr 127.0.0.0/8 masquerade`,
    `    oifname "${plan.bridge}" ip saddr ${subnet} ct status dnat masquerade`,
    `    oifname != "${plan.bridge}" ip saddr ${subnet} ip daddr != { ${subnet}, 224.0.0.0/4 } masquerade`,
    '  }',
    '}',
  ].join('\n')}\n`
}

/**
 * A pod sends IPv4 and ARP only, from its own hardware and IPv4 address: it speaks for no other pod, not for the machine, and has
 * none of them take its router advertisements. What is between two pods passes the bridge only, hence the family. Which link
 * may send as what stands in one set, so a packet costs one look-up, however many pods there are. Links of other bridges
 * are none of ours.
 */
export function sourceRules(table: string, pods: readonly PodSource[]): string {
  const links = pods.map(({ link }) => `"${link}"`)
  return `${[
    ...emptied('bridge', table),
    `table bridge ${table} {`,
    ...namedSet('links', 'ifname', links),
    ...namedSet('sources', 'ifname . ether_addr . ipv4_addr', pods.map(sourceElement)),
    '  chain prerouting {',
    '    type filter hook prerouting priority -300; policy accept;',
    '    iifname @links jump source',
    '  }',
    '  chain source {',
    '    ether type ip iifname . ether saddr . ip saddr @sources accept',
    '    ether type arp iifname . ether saddr . arp saddr ip @sources iifname . arp saddr ether . arp saddr ip @sources accept',
    '    drop',
    '  }',
    '}',
  ].join('\n')}\n`
}

/** How the set of sources has a pod. */
export function sourceElement({ link, mac, address }: PodSource): string {
  return `"${link}" . ${mac} . ${address}`
}

function namedSet(name: string, type: string, elements: readonly string[]): readonly string[] {
  const held = elements.length === 0 ? [] : [`    elements = { ${elements.join(', ')} }`]
  return [`  set ${name} {`, `    type ${type}`, ...held, '  }']
}

/** There is a table to delete, and then there is none. */
function emptied(family: 'ip' | 'bridge', table: string): readonly string[] {
  return [`table ${family} ${table} {}`, `delete table ${family} ${table}`]
}

function target(port: PublishedPort): string {
  return `${port.podIp} . ${port.containerPort}`
}

function portMap(name: string, key: string, elements: readonly string[]): string {
  const sorted = [...elements].sort()
  return `  map ${name} {\n    type ${key} : ipv4_addr . inet_service\n    elements = { ${sorted.join(', ')} }\n  }`
}

/** Removes the table of a family, whether it is there or not. */
export function noTable(family: 'ip' | 'bridge', table: string): string {
  return `${emptied(family, table).join('\n')}\n`
}
