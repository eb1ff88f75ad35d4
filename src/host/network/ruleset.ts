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

export interface FirewallPlan {
  /** Name of the table, which is ours alone. */
  readonly table: string
  readonly bridge: string
  readonly subnet: Subnet
  readonly ports: readonly PublishedPort[]
}

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const

/**
 * Replaces the whole table in one transaction: the first two lines make sure that there is one to delete. Ports are
 * looked up in maps, so a packet's cost does not grow with their number.
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
    `table ip ${plan.table} {}`,
    `delete table ip ${plan.table}`,
    `table ip ${plan.table} {`,
    ...maps,
    '  chain ports {',
    ...lookups,
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

function target(port: PublishedPort): string {
  return `${port.podIp} . ${port.containerPort}`
}

function portMap(name: string, key: string, elements: readonly string[]): string {
  const sorted = [...elements].sort()
  return `  map ${name} {\n    type ${key} : ipv4_addr . inet_service\n    elements = { ${sorted.join(', ')} }\n  }`
}

/** Removes the table, whether it is there or not. */
export function noFirewall(table: string): string {
  return `table ip ${table} {}\ndelete table ip ${table}\n`
}
