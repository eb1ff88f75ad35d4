/**
 * Removing the links of pods, many at a time. The kernel waits some 20 ms for every processor to be done with a link that
 * goes, with all that it knows of links locked: once for as many as go together. So the links that are to go meanwhile are
 * gathered, marked by a group of their own and removed as one. Source: net/core/rtnetlink.c, rtnl_group_dellink.
 */
import { readFileSync } from 'node:fs'
import { errnoOf } from '../../diagnostic.ts'
import { openRouteSocket, type RouteSocket } from './netlink-socket.ts'
import { deleteGroup, RTM, setGroup } from './rtnetlink-message.ts'

export interface LinkRemoval extends Disposable {
  /** Resolves when the link is gone; one that is not there is no error. */
  remove(name: string): Promise<void>
}

/** Groups are 32 bits; 0 is that of all other links. Those that are still there after a kill are marked anew. */
function ownGroup(turn: number): number {
  return 0x4b000000 + (process.pid % 0x10000) * 0x100 + (turn % 0x100)
}

export function openLinkRemoval(): LinkRemoval {
  let socket: RouteSocket | undefined
  let waiting = new Set<string>()
  let turn = 0
  /** The removal that takes what waits now. */
  let next: Promise<void> | undefined
  let current = Promise.resolve()

  async function removeWaiting(before: Promise<void>): Promise<void> {
    await before.catch(() => {})
    // What else is decided in this turn of the event loop goes as well.
    await new Promise<void>(resolve => setImmediate(resolve))
    const names = waiting
    waiting = new Set()
    next = undefined
    socket ??= openRouteSocket()
    const group = ownGroup(turn++)
    let marked = 0
    for (const name of names) {
      const index = indexOf(name)
      if (index === undefined) continue
      try {
        socket.request(RTM.NEWLINK, setGroup(index, group))
        marked++
      } catch (error) {
        if (errnoOf(error) !== 'ENODEV') throw error
      }
    }
    if (marked === 0) return
    try {
      await socket.requestInPool(RTM.DELLINK, deleteGroup(group))
    } catch (error) {
      // The last of a pod's processes took them along.
      if (errnoOf(error) !== 'ENODEV') throw error
    }
  }

  return {
    remove(name) {
      waiting.add(name)
      if (!next) {
        next = removeWaiting(current)
        current = next
      }
      return next
    },
    [Symbol.dispose]() {
      socket?.[Symbol.dispose]()
      socket = undefined
    },
  }
}

function indexOf(link: string): number | undefined {
  try {
    return Number(readFileSync(`/sys/class/net/${link}/ifindex`, 'utf8'))
  } catch {
    return undefined
  }
}
