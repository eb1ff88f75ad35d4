/** A bridge network: links, addresses and routes of its pods, and the ports of the machine that lead to them. */
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { during, errnoOf, KubeError } from '../../diagnostic.ts'
import type { NetworkPort } from '../../engine/ports.ts'
import { fingerprint } from '../../plan/fingerprint.ts'
import { type Layout, vethName } from '../layout.ts'
import { withNetns } from '../sys/libc.ts'
import { runNft } from '../sys/libnftables.ts'
import { bootId } from '../sys/process-identity.ts'
import { allowForwarding, forgetForwarding } from './forwarding.ts'
import { openRouteSocket, type RouteSocket } from './netlink-socket.ts'
import * as message from './rtnetlink-message.ts'
import { firewallRules, noFirewall, type PublishedPort } from './ruleset.ts'
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
  /** Whether this process has CAP_NET_ADMIN. */
  readonly mayChange: () => boolean
}

export function openBridgeNetwork(options: BridgeOptions): NetworkPort {
  const { layout, bridge, subnet } = options
  const gateway = gatewayOf(subnet)
  let home: RouteSocket | undefined
  const homeSocket = () => (home ??= openRouteSocket())
  let bridgeIndex: Promise<number> | undefined

  /** Whether what has the bridge's name can be ours. */
  const isBridge = () => existsSync(`/sys/class/net/${bridge}/bridge`)

  async function makeBridge(): Promise<number> {
    const socket = homeSocket()
    if (!existsSync(`/sys/class/net/${bridge}`)) {
      try {
        const flags = message.NLM_F.CREATE | message.NLM_F.EXCL
        await socket.request(message.RTM.NEWLINK, message.newBridge(bridge, macOf(gateway)), flags)
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error
      }
    }
    if (!isBridge()) {
      const hint = `rename or remove it: ip link show ${bridge}`
      throw new KubeError('LinkNameTaken', 'there is another link of this name, which is no bridge', { hint })
    }
    const index = Number(readFileSync(`/sys/class/net/${bridge}/ifindex`, 'utf8'))
    try {
      const flags = message.NLM_F.CREATE | message.NLM_F.EXCL
      await socket.request(message.RTM.NEWADDR, message.newAddress(index, gateway, subnet.prefix), flags)
      // So that the machine's 127.0.0.1 can lead to a pod, and pods to the outside.
      setSysctl(`net/ipv4/conf/${bridge}/route_localnet`, '1')
      setSysctl('net/ipv4/ip_forward', '1')
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
    }
    return index
  }

  /** Applies the rules that the records call for, if they differ from what was applied last, or if someone took them away. */
  async function syncFirewall({ verify = false } = {}): Promise<void> {
    const isNeeded = isBridge()
    // Who may not take rules away has never made any. nftables would say on standard error what it lacks.
    if (!isNeeded && !options.mayChange()) return
    const rules = isNeeded
      ? firewallRules({ table: options.table, bridge, subnet, ports: options.publishedPorts() })
      : noFirewall(options.table)
    const mark = `${bootId()} ${fingerprint(rules)}`
    if (readApplied() === mark) {
      if (!verify) return
      if (isNeeded) await allowForwarding(bridge)
      if ((await runNft(`list table ip ${options.table}`)) === undefined) return
    }
    // A command that dies between the two must not leave a mark that is not true.
    rmSync(layout.firewallState, { force: true })
    const forwarding = isNeeded ? allowForwarding(bridge) : forgetForwarding(bridge)
    const [problem] = await Promise.all([runNft(rules), forwarding])
    // The right may be one over another network namespace.
    if (!isNeeded && problem?.includes('Operation not permitted')) return
    if (problem !== undefined) throw new KubeError('FirewallFailed', `apply nftables rules: ${problem.split('\n')[0]}`)
    writeFileSync(layout.firewallState, mark, { mode: 0o600 })
  }

  function readApplied(): string {
    try {
      return readFileSync(layout.firewallState, 'utf8')
    } catch {
      return ''
    }
  }

  return {
    async prepare() {
      // Another command may have removed it with the last pod, while this process had none.
      if (bridgeIndex !== undefined && !isLink(bridge, await bridgeIndex)) bridgeIndex = undefined
      bridgeIndex ??= makeBridge()
      try {
        await bridgeIndex
      } catch (error) {
        bridgeIndex = undefined
        throw during(`create bridge ${bridge}`, error)
      }
    },
    async attach(uid, infraPid, address) {
      await this.prepare()
      const path = `/proc/${infraPid}/ns/net`
      const netns = openSync(path, 'r')
      try {
        const pair = {
          name: vethName(uid),
          bridge: await bridgeIndex!,
          peer: { name: POD_INTERFACE, mac: macOf(address), netnsFd: netns },
        }
        // A link of this name can only be what a killed run left of this same pod.
        if (existsSync(`/sys/class/net/${pair.name}`)) await this.detach(uid)
        await homeSocket().request(
          message.RTM.NEWLINK,
          message.newVeth(pair),
          message.NLM_F.CREATE | message.NLM_F.EXCL,
        )
        allowHairpin(pair.name)
        using inside = withNetns(path, openRouteSocket)
        const create = message.NLM_F.CREATE
        // The kernel does one after the other; to wait for each answer would take a turn of the event loop for each.
        const [[link]] = await Promise.all([
          inside.request(message.RTM.GETLINK, message.getLink(POD_INTERFACE)),
          inside.request(message.RTM.NEWLINK, message.setUp(LOOPBACK_INDEX)),
        ])
        const index = message.linkIndex(link!)
        await Promise.all([
          inside.request(message.RTM.NEWLINK, message.setUp(index)),
          inside.request(message.RTM.NEWADDR, message.newAddress(index, address, subnet.prefix), create),
          inside.request(message.RTM.NEWROUTE, message.newDefaultRoute(index, gateway), create),
        ])
        // Last: it says that everything above is there.
        await homeSocket().request(message.RTM.NEWLINK, message.setUp(indexOf(pair.name)))
      } finally {
        closeSync(netns)
      }
    },
    async detach(uid) {
      try {
        await homeSocket().request(message.RTM.DELLINK, message.deleteLink(vethName(uid)))
      } catch (error) {
        if (errnoOf(error) !== 'ENODEV') throw error
      }
    },
    isAttached: uid => isUp(vethName(uid)),
    publish: () => syncFirewall(),
    async repair(uids) {
      await this.prepare()
      for (const uid of uids) {
        const link = `/sys/class/net/${vethName(uid)}`
        if (!existsSync(link) || existsSync(`${link}/upper_${bridge}`)) continue
        const index = indexOf(vethName(uid))
        await homeSocket().request(message.RTM.NEWLINK, message.setMaster(index, await bridgeIndex!))
        allowHairpin(vethName(uid))
      }
      await syncFirewall({ verify: true })
    },
    async remove() {
      bridgeIndex = undefined
      try {
        if (isBridge()) await homeSocket().request(message.RTM.DELLINK, message.deleteLink(bridge))
      } catch (error) {
        if (errnoOf(error) !== 'ENODEV') throw error
      }
      await syncFirewall()
    },
    close() {
      home?.[Symbol.dispose]()
      home = undefined
    },
  }
}

/**
 * A pod may reach itself by a published port. Where Docker or a kubelet has bridges call iptables, such a packet never
 * leaves the bridge, which by default sends nothing back to where it came from. Where /sys may not be written, as in many
 * containers, pods do without. Source: CNI's bridge plugin, hairpinMode.
 */
function allowHairpin(link: string): void {
  try {
    writeFileSync(`/sys/class/net/${link}/brport/hairpin_mode`, '1')
  } catch (error) {
    if (!['EROFS', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) throw error
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

function setSysctl(name: string, value: string): void {
  const file = `/proc/sys/${name}`
  if (readFileSync(file, 'utf8').trim() !== value) writeFileSync(file, value)
}
