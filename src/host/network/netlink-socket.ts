/** A routing netlink socket. The only file that imports `netlink`. */
import { createRequire } from 'node:module'
import type { NetlinkSocket } from 'netlink/dist/netlink.js'

/** Source: netlink(7). */
const NETLINK_ROUTE = 0

/**
 * Milliseconds. The kernel loses no answer; but where dozens of pods begin at once on a slow machine, this process may come to
 * read it much later, and who gives up then makes it all again, for longer still.
 */
const ANSWER_LIMIT_MS = 60_000

export interface RouteSocket extends Disposable {
  /** Sends one request and waits for its answer; fails with a system error (`code` is `EEXIST`, `ENODEV`, ...). */
  request(type: number, payload: Uint8Array, flags?: number): Promise<readonly Uint8Array[]>
}

type CreateNetlink = typeof import('netlink/dist/netlink.js').createNetlink

let create: CreateNetlink | undefined

/** Opens the socket in the calling thread's network namespace, where it stays. */
export function openRouteSocket(): RouteSocket {
  create ??= (createRequire(import.meta.url)('netlink/dist/netlink.js') as { createNetlink: CreateNetlink })
    .createNetlink
  const socket: NetlinkSocket = create(NETLINK_ROUTE)
  return {
    async request(type, payload, flags = 0) {
      try {
        const [messages] = await socket.request(type, payload, { flags, timeout: ANSWER_LIMIT_MS })
        return messages.map(message => message.data)
      } catch (error) {
        throw withCode(error)
      }
    },
    [Symbol.dispose]: () => socket.close(),
  }
}

/** The library's `Request rejected: EEXIST` as a system error, its `Timeout has been reached` in words that say of what. */
function withCode(error: unknown): unknown {
  if (error instanceof Error && error.message === 'Timeout has been reached')
    return new Error(`the kernel gave no answer within ${ANSWER_LIMIT_MS / 1000} s`, { cause: error })
  const code = error instanceof Error ? /^Request rejected: (E[A-Z0-9]+)$/.exec(error.message)?.[1] : undefined
  return code === undefined ? error : Object.assign(new Error(code, { cause: error }), { code })
}
