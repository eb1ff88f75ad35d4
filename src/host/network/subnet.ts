/** IPv4 arithmetic for networks and leases. Pure. */

export interface Subnet {
  /** The network address: `10.77.0.0`. */
  readonly base: string
  /** Bits, 8..30. */
  readonly prefix: number
}

export function parseSubnet(text: string): Subnet {
  const match = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(text)
  if (!match) throw new RangeError(`not a subnet: ${text}`)
  return { base: match[1]!, prefix: Number(match[2]) }
}

export function formatSubnet(subnet: Subnet): string {
  return `${subnet.base}/${subnet.prefix}`
}

export function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

export function toAddress(value: number): string {
  return [24, 16, 8, 0].map(shift => Math.floor(value / 2 ** shift) % 256).join('.')
}

/** The machine's own address on the network: the first one. */
export function gatewayOf(subnet: Subnet): string {
  return toAddress(toNumber(subnet.base) + 1)
}

export function contains(subnet: Subnet, address: string): boolean {
  const size = 2 ** (32 - subnet.prefix)
  return Math.floor(toNumber(address) / size) === Math.floor(toNumber(subnet.base) / size)
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.prefix <= b.prefix ? contains(a, b.base) : contains(b, a.base)
}

/**
 * The next free address after `last`, going round once; so an address that was just released is used again as late as
 * possible, and nobody's cache confuses two pods. `undefined` when the network is full.
 */
export function nextFree(subnet: Subnet, used: ReadonlySet<string>, last: string | undefined): string | undefined {
  const size = 2 ** (32 - subnet.prefix)
  const base = toNumber(subnet.base)
  const first = 2
  const count = size - first - 1
  const start = last !== undefined && contains(subnet, last) ? toNumber(last) - base - first + 1 : 0
  for (let i = 0; i < count; i++) {
    const address = toAddress(base + first + ((start + i) % count))
    if (!used.has(address)) return address
  }
  return undefined
}

/** The subnets of a /proc/net/route table, without the default route. */
export function parseRoutes(table: string): readonly Subnet[] {
  const routes: Subnet[] = []
  for (const line of table.split('\n').slice(1)) {
    const fields = line.split('\t')
    if (fields.length < 8) continue
    const mask = reversed(fields[7]!)
    const prefix = mask === 0 ? 0 : 32 - Math.log2(2 ** 32 - mask)
    if (prefix > 0) routes.push({ base: toAddress(reversed(fields[1]!)), prefix })
  }
  return routes
}

/** The kernel prints these numbers in the machine's byte order, here little-endian. */
function reversed(hex: string): number {
  return Buffer.from(hex, 'hex').readUInt32LE()
}

/** The first /16 from 10.77.0.0 on (after `skip` others) that no route of the machine touches. */
export function chooseSubnet(routes: readonly Subnet[], skip: number): Subnet | undefined {
  const choices = 178
  for (let i = 0; i < choices; i++) {
    const subnet = { base: `10.${77 + ((skip + i) % choices)}.0.0`, prefix: 16 }
    if (!routes.some(route => overlaps(route, subnet))) return subnet
  }
  return undefined
}
