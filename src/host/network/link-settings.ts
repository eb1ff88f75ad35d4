/** Settings of links that netlink does not have, of the calling thread's network namespace. */
import { readFileSync, writeFileSync } from 'node:fs'
import { errnoOf } from '../../diagnostic.ts'

export function setSysctl(name: string, value: string): void {
  const file = `/proc/sys/${name}`
  if (readFileSync(file, 'utf8').trim() !== value) writeFileSync(file, value)
}

/**
 * The networks are IPv4 only, so their links speak no IPv6: with the kernel's default, whoever sends a router advertisement
 * gives every other end an address and a default route that leads through the sender, and each link that comes up sends
 * half a dozen packets to all the others. A pod's loopback interface keeps its IPv6. Source: CVE-2020-10749, ip-sysctl.rst.
 */
export function quietBridge(bridge: string): void {
  set(bridge, 'disable_ipv6', '1')
  // Where an administrator turns IPv6 on again.
  for (const setting of ['accept_ra', 'autoconf', 'accept_redirects']) set(bridge, setting, '0')
}

/** The machine's end of a pod's link: as a bridge's port it hears nothing, but it would if someone took it off the bridge. */
export function quietPort(link: string): void {
  set(link, 'accept_ra', '0')
}

/**
 * New links of this network namespace have no IPv6, until what is returned has been called. A link's own setting can
 * be written only while nobody changes any link of the machine, for which the kernel has the writer try in a loop.
 */
export function withoutIpv6(): () => void {
  const setting = '/proc/sys/net/ipv6/conf/default/disable_ipv6'
  const before = read(setting)
  if (before === undefined || before === '1') return () => {}
  set('default', 'disable_ipv6', '1')
  return () => set('default', 'disable_ipv6', before)
}

/** Without IPv6 in the kernel there is nothing to set; where /proc/sys is read-only, the firewall lets no IPv6 through. */
function set(link: string, setting: string, value: string): void {
  try {
    writeFileSync(`/proc/sys/net/ipv6/conf/${link}/${setting}`, value)
  } catch (error) {
    if (!['ENOENT', 'EROFS', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) throw error
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}
