/** Builds rtnetlink payloads. Pure: bytes in, bytes out. Source: rtnetlink(7), linux/if_link.h, linux/if_addr.h. */

/** Message types. Source: linux/rtnetlink.h. */
export const RTM = { NEWLINK: 16, DELLINK: 17, GETLINK: 18, NEWADDR: 20, NEWROUTE: 24 } as const
/** Flags beside REQUEST and ACK, which every request has. Source: linux/netlink.h. */
export const NLM_F = { EXCL: 0x200, CREATE: 0x400 } as const

const AF_INET = 2
const IFF_UP = 1
const IFLA = { ADDRESS: 1, IFNAME: 3, MTU: 4, MASTER: 10, LINKINFO: 18, GROUP: 27, NET_NS_FD: 28 } as const
const IFLA_INFO = { KIND: 1, DATA: 2, SLAVE_KIND: 4, SLAVE_DATA: 5 } as const
/** The hairpin mode. */
const IFLA_BRPORT_MODE = 4
const VETH_INFO_PEER = 1
const IFA = { ADDRESS: 1, LOCAL: 2, BROADCAST: 4 } as const
const RTA = { GATEWAY: 5, OIF: 4 } as const
const RT_TABLE_MAIN = 254
const RTPROT_BOOT = 3
const RT_SCOPE_UNIVERSE = 0
const RTN_UNICAST = 1

/** One attribute: length and type, then the value, padded to four bytes. */
function attribute(type: number, value: Uint8Array): Buffer {
  const length = 4 + value.length
  const buffer = Buffer.alloc((length + 3) & ~3)
  buffer.writeUInt16LE(length, 0)
  buffer.writeUInt16LE(type, 2)
  buffer.set(value, 4)
  return buffer
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(value)
  return buffer
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`, 'latin1')
}

function ifinfomsg(index: number, up: boolean): Buffer {
  const buffer = Buffer.alloc(16)
  buffer.writeInt32LE(index, 4)
  if (up) {
    buffer.writeUInt32LE(IFF_UP, 8)
    buffer.writeUInt32LE(IFF_UP, 12)
  }
  return buffer
}

/** The four bytes of a dotted IPv4 address. */
export function ipv4Bytes(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number))
}

/** The six bytes of `02:00:...`. */
function macBytes(address: string): Buffer {
  return Buffer.from(address.replaceAll(':', ''), 'hex')
}

export interface VethPair {
  /** This side, not up yet and put on the bridge with index `bridge`. */
  readonly name: string
  readonly bridge: number
  readonly peer: { readonly name: string; readonly mac: string; readonly netnsFd: number }
  readonly mtu?: number
}

/** NEWLINK: both ends at once, the peer born in its network namespace. */
export function newVeth(pair: VethPair): Buffer {
  const mtu = pair.mtu === undefined ? [] : [attribute(IFLA.MTU, u32(pair.mtu))]
  const peer = Buffer.concat([
    // Not up: the kernel opens the peer before the two are connected, and fails with ENOTCONN.
    ifinfomsg(0, false),
    attribute(IFLA.IFNAME, text(pair.peer.name)),
    attribute(IFLA.ADDRESS, macBytes(pair.peer.mac)),
    attribute(IFLA.NET_NS_FD, u32(pair.peer.netnsFd)),
    ...mtu,
  ])
  const info = Buffer.concat([
    attribute(IFLA_INFO.KIND, text('veth')),
    attribute(IFLA_INFO.DATA, attribute(VETH_INFO_PEER, peer)),
  ])
  return Buffer.concat([
    ifinfomsg(0, false),
    attribute(IFLA.IFNAME, text(pair.name)),
    attribute(IFLA.MASTER, u32(pair.bridge)),
    ...mtu,
    attribute(IFLA.LINKINFO, info),
  ])
}

/** NEWLINK: a bridge, not up yet. */
export function newBridge(name: string, mac: string): Buffer {
  return Buffer.concat([
    ifinfomsg(0, false),
    attribute(IFLA.IFNAME, text(name)),
    attribute(IFLA.ADDRESS, macBytes(mac)),
    attribute(IFLA.LINKINFO, attribute(IFLA_INFO.KIND, text('bridge'))),
  ])
}

/** NEWLINK of an existing link: set it up. */
export function setUp(index: number): Buffer {
  return ifinfomsg(index, true)
}

/**
 * NEWLINK of a bridge's port: sets it up, and has the bridge send back by it what came from there. A pod may reach itself by a
 * published port: where Docker or a kubelet has bridges call iptables, such a packet never leaves the bridge. Source: CNI's
 * bridge plugin, hairpinMode.
 */
export function setPortUp(index: number): Buffer {
  const info = Buffer.concat([
    attribute(IFLA_INFO.SLAVE_KIND, text('bridge')),
    attribute(IFLA_INFO.SLAVE_DATA, attribute(IFLA_BRPORT_MODE, Buffer.from([1]))),
  ])
  return Buffer.concat([ifinfomsg(index, true), attribute(IFLA.LINKINFO, info)])
}

/** NEWLINK of an existing link: puts it on the bridge, up. */
export function setMaster(index: number, bridge: number): Buffer {
  return Buffer.concat([ifinfomsg(index, true), attribute(IFLA.MASTER, u32(bridge))])
}

/** DELLINK by name. */
export function deleteLink(name: string): Buffer {
  return Buffer.concat([ifinfomsg(0, false), attribute(IFLA.IFNAME, text(name))])
}

/** NEWLINK of an existing link: marks it by a group. By index: a name that is not there would mean the group's links. */
export function setGroup(index: number, group: number): Buffer {
  return Buffer.concat([ifinfomsg(index, false), attribute(IFLA.GROUP, u32(group))])
}

/** DELLINK of all links that a group has. */
export function deleteGroup(group: number): Buffer {
  return Buffer.concat([ifinfomsg(0, false), attribute(IFLA.GROUP, u32(group))])
}

/** GETLINK by name. */
export function getLink(name: string): Buffer {
  return Buffer.concat([ifinfomsg(0, false), attribute(IFLA.IFNAME, text(name))])
}

/** The interface index in a NEWLINK answer. */
export function linkIndex(payload: Uint8Array): number {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).readInt32LE(4)
}

/** NEWADDR: an IPv4 address with its broadcast address. `prefix` is the network's length in bits, 0..32. */
export function newAddress(index: number, address: string, prefix: number): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt8(AF_INET, 0)
  header.writeUInt8(prefix, 1)
  header.writeUInt32LE(index, 4)
  const bytes = ipv4Bytes(address)
  const broadcast = u32(0)
  broadcast.writeUInt32BE((bytes.readUInt32BE() | (prefix === 0 ? 0xffffffff : 2 ** (32 - prefix) - 1)) >>> 0)
  return Buffer.concat([
    header,
    attribute(IFA.LOCAL, bytes),
    attribute(IFA.ADDRESS, bytes),
    attribute(IFA.BROADCAST, broadcast),
  ])
}

/** NEWROUTE: the IPv4 default route. */
export function newDefaultRoute(index: number, gateway: string): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt8(AF_INET, 0)
  header.writeUInt8(RT_TABLE_MAIN, 4)
  header.writeUInt8(RTPROT_BOOT, 5)
  header.writeUInt8(RT_SCOPE_UNIVERSE, 6)
  header.writeUInt8(RTN_UNICAST, 7)
  return Buffer.concat([header, attribute(RTA.GATEWAY, ipv4Bytes(gateway)), attribute(RTA.OIF, u32(index))])
}
