/** A bridge network: links, addresses and routes of its pods, and the ports of the machine that lead to them. */
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { during, errnoOf, KubeError } from '../../diagnostic.ts'
import type { NetworkPort } from '../../engine/ports.ts'
import { MOST_PODS } from '../../plan/pod-count.ts'
import { type Layout, vethName } from '../layout.ts'
import { withNetns } from '../sys/libc.ts'
import { openFirewall } from './firewall.ts'
import { openLinkRemoval } from './link-removal.ts'
import { quietBridge, quietPort, setSysctl, withoutIpv6 } from './link-settings.ts'
import { openRouteSocket, type RouteSocket } from './netlink-socket.ts'
import * as message from './rtnetlink-message.ts'
import type { PublishedPort } from './ruleset.ts'
import { gatewayOf, type Subnet } from './subnet.ts'

/** Loopback is always the first link of a network namespace. */
const LOOPBACK_INDEX = 1
/** The interface's name in the pod, as every CNI plugin has it. */
const POD_INTERFACE = 'eth0'

export interface BridgeOptions {
  readonly layout: Layout
  /** Name of the bridge, at most 15 bytes. */
  readonly bridge: string
  /** Name of the nftables table. */
  readonly table: string
  readonly subnet: Subnet
  /** All published ports of the network, from the records. */
  readonly publishedPorts: () => readonly PublishedPort[]
  /** All pods of the network, from the records. */
  readonly addresses: () => readonly { readonly uid: string; readonly address: string }[]
  /** Whether this process has CAP_NET_ADMIN. */
  readonly mayChange: () => boolean
}

export function openBridgeNetwork(options: BridgeOptions): NetworkPort {
  const { layout, bridge, subnet } = options
  const gateway = gatewayOf(subnet)
  let home: RouteSocket | undefined
  const homeSocket = () => (home ??= openRouteSocket())
  const removal = openLinkRemoval()
  let bridgeIndex: number | undefined

  const firewall = openFirewall({
    stateFile: layout.firewallState,
    table: options.table,
    bridge,
    plan: () => ({ table: options.table, bridge, subnet, ports: options.publishedPorts() }),
    sources: () =>
      options.addresses().map(({ uid, address }) => ({ link: vethName(uid), mac: macOf(address), address })),
    mayChange: options.mayChange,
  })
  /** The rules that were called for last: what a pod sends is looked at from then on. */
  let published = Promise.resolve()

  /** Whether what has the bridge's name can be ours. */
  const isBridge = () => existsSync(`/sys/class/net/${bridge}/bridge`)

  function makeBridge(): number {
    const socket = homeSocket()
    const create = message.NLM_F.CREATE | message.NLM_F.EXCL
    if (!existsSync(`/sys/class/net/${bridge}`))
      unless('EEXIST', () => socket.request(message.RTM.NEWLINK, message.newBridge(bridge, macOf(gateway)), create))
    if (!isBridge()) {
      const hint = `rename or remove it: ip link show ${bridge}`
      throw new KubeError('LinkNameTaken', 'there is another link of this name, which is no bridge', { hint })
    }
    const index = indexOf(bridge)
    unless('EEXIST', () => {
      socket.request(message.RTM.NEWADDR, message.newAddress(index, gateway, subnet.prefix), create)
      // So that the machine's 127.0.0.1 can lead to a pod, and pods to the outside.
      setSysctl(`net/ipv4/conf/${bridge}/route_localnet`, '1')
      setSysctl('net/ipv4/ip_forward', '1')
    })
    // Up only now, and whoever finds it down goes on where another command was killed.
    if (!isUp(bridge)) {
      quietBridge(bridge)
      socket.request(message.RTM.NEWLINK, message.setUp(index))
    }
    return index
  }

  function syncFirewall({ verify = false } = {}): Promise<void> {
    const done = firewall({ isNeeded: isBridge(), verify })
    // Who calls for it is told of its failure.
    published = done.catch(() => {})
    return done
  }

  /** Both ends of a pod's link; the pod's end is born in its network namespace. */
  function makeLink(pair: message.VethPair): void {
    try {
      const create = message.NLM_F.CREATE | message.NLM_F.EXCL
      homeSocket().request(message.RTM.NEWLINK, message.newVeth(pair), create)
    } catch (error) {
      if (errnoOf(error) !== 'EXFULL') throw error
      throw new KubeError('NetworkFull', `bridge ${bridge} has no port left: a Linux bridge has at most ${MOST_PODS}`, {
        hint: `bridge link show lists what has them; another --root has a network of its own`,
      })
    }
    quietPort(pair.name)
  }

  /** `withIpv6` is called there first. */
  function setUpInside(path: string, address: string, withIpv6: () => void): void {
    withNetns(path, () => {
      withIpv6()
      using socket = openRouteSocket()
      const create = message.NLM_F.CREATE
      const [link] = socket.request(message.RTM.GETLINK, message.getLink(POD_INTERFACE))
      const index = message.linkIndex(link!)
      socket.request(message.RTM.NEWLINK, message.setUp(LOOPBACK_INDEX))
      socket.request(message.RTM.NEWLINK, message.setUp(index))
      socket.request(message.RTM.NEWADDR, message.newAddress(index, address, subnet.prefix), create)
      socket.request(message.RTM.NEWROUTE, message.newDefaultRoute(index, gateway), create)
    })
  }

  function deleteLink(name: string): void {
    unless('ENODEV', () => homeSocket().request(message.RTM.DELLINK, message.deleteLink(name)))
  }

  return {
    async prepare() {
      // Another command may have removed it with the last pod, while this process had none.
      if (bridgeIndex !== undefined && isLink(bridge, bridgeIndex)) return
      try {
        bridgeIndex = makeBridge()
      } catch (error) {
        throw during(`create bridge ${bridge}`, error)
      }
    },
    async attach(uid, infraPid, address) {
      await this.prepare()
      const path = `/proc/${infraPid}/ns/net`
      const netns = openSync(path, 'r')
      try {
        const name = vethName(uid)
        // A link of this name can only be what a killed run left of this same pod.
        if (existsSync(`/sys/class/net/${name}`)) await removal.remove(name)
        const withIpv6 = withNetns(path, withoutIpv6)
        makeLink({ name, bridge: bridgeIndex!, peer: { name: POD_INTERFACE, mac: macOf(address), netnsFd: netns } })
        setUpInside(path, address, withIpv6)
        // Last: it says that everything above is there.
        homeSocket().request(message.RTM.NEWLINK, message.setPortUp(indexOf(name)))
      } finally {
        closeSync(netns)
      }
      // No container of the pod runs before this ends.
      await published
    },
    detach: uid => removal.remove(vethName(uid)),
    isAttached: uid => isUp(vethName(uid)),
    publish: () => syncFirewall(),
    async repair(uids) {
      await this.prepare()
      for (const uid of uids) {
        const link = `/sys/class/net/${vethName(uid)}`
        if (!existsSync(link) || existsSync(`${link}/upper_${bridge}`)) continue
        const index = indexOf(vethName(uid))
        homeSocket().request(message.RTM.NEWLINK, message.setMaster(index, bridgeIndex!))
        homeSocket().request(message.RTM.NEWLINK, message.setPortUp(index))
      }
      await syncFirewall({ verify: true })
    },
    async remove() {
      bridgeIndex = undefined
      if (isBridge()) deleteLink(bridge)
      await syncFirewall()
    },
    close() {
      removal[Symbol.dispose]()
      home?.[Symbol.dispose]()
      home = undefined
    },
  }
}

/** A locally administered address that tells the IPv4 address, so that it is the same at every start. */
function macOf(address: string): string {
  return `0a:58:${message
    .ipv4Bytes(address)
    .toString('hex')
    .replace(/..(?!$)/g, '$&:')}`
}

function indexOf(link: string): number {
  return Number(readFileSync(`/sys/class/net/${link}/ifindex`, 'utf8'))
}

function isLink(name: string, index: number): boolean {
  try {
    return indexOf(name) === index
  } catch {
    return false
  }
}

/** Source: linux/if.h. */
const IFF_UP = 1

function isUp(link: string): boolean {
  try {
    return (Number(readFileSync(`/sys/class/net/${link}/flags`, 'utf8')) & IFF_UP) !== 0
  } catch {
    return false
  }
}

/** Does what may have been done already, or by another command. */
function unless(code: string, action: () => void): void {
  try {
    action()
  } catch (error) {
    if (errnoOf(error) !== code) throw error
  }
}
