/** Removing network links of this machine by name. */
import { readdirSync } from 'node:fs'
import { errnoOf } from '../../diagnostic.ts'
import { openRouteSocket } from './netlink-socket.ts'
import { deleteLink, RTM } from './rtnetlink-message.ts'

/** Names of the links that a bridge has; none when it is not there. */
export function linksOf(bridge: string): readonly string[] {
  try {
    return readdirSync(`/sys/class/net/${bridge}/brif`)
  } catch {
    return []
  }
}

/** A link that is not there is no error. */
export async function removeLinks(names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  using socket = openRouteSocket()
  for (const name of names) {
    try {
      await socket.request(RTM.DELLINK, deleteLink(name))
    } catch (error) {
      if (errnoOf(error) !== 'ENODEV') throw error
    }
  }
}
