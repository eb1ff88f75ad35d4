/** Which ports programs of the machine listen on. Source: proc_net_tcp(5). */
import { readFileSync } from 'node:fs'

export interface ListeningPort {
  readonly protocol: 'TCP' | 'UDP'
  /** Dotted; `` for any address, and for every IPv6 one that also takes IPv4. */
  readonly address: string
  readonly port: number
}

const LISTEN = '0A'

/** Reads the kernel's tables once. */
export function listeningPorts(): readonly ListeningPort[] {
  return [
    ...parseSockets(readTable('tcp'), 'TCP'),
    ...parseSockets(readTable('tcp6'), 'TCP'),
    ...parseSockets(readTable('udp'), 'UDP'),
    ...parseSockets(readTable('udp6'), 'UDP'),
  ]
}

function readTable(name: string): string {
  try {
    return readFileSync(`/proc/net/${name}`, 'utf8')
  } catch {
    // IPv6 can be off.
    return ''
  }
}

/** The listening sockets of one table. Pure. */
export function parseSockets(table: string, protocol: ListeningPort['protocol']): readonly ListeningPort[] {
  const found: ListeningPort[] = []
  for (const line of table.split('\n').slice(1)) {
    const [, local, , state] = line.trim().split(/\s+/)
    if (local === undefined || (protocol === 'TCP' && state !== LISTEN)) continue
    const [address = '', port = ''] = local.split(':')
    found.push({
      protocol,
      address: address.length > 8 ? mappedAddress(address) : dotted(address),
      port: Number.parseInt(port, 16),
    })
  }
  return found
}

/** An IPv4 address in the machine's byte order, here little-endian; any is ``. */
function dotted(hex: string): string {
  const bytes = [...Buffer.from(hex, 'hex')].reverse()
  return bytes.every(byte => byte === 0) ? '' : bytes.join('.')
}

/** `::` takes IPv4 too; another IPv6 address never meets an IPv4 one. */
function mappedAddress(hex: string): string {
  return /^0+$/.test(hex) ? '' : 'IPv6'
}

/** Whether a listener would get in the way of publishing on `hostIp` (`` for all addresses). */
export function holds(
  listener: ListeningPort,
  port: { readonly protocol: string; readonly hostIp: string; readonly hostPort: number },
): boolean {
  if (listener.protocol !== port.protocol || listener.port !== port.hostPort || listener.address === 'IPv6')
    return false
  return listener.address === '' || port.hostIp === '' || listener.address === port.hostIp
}
