/** A TCP connection. */
import { createConnection } from 'node:net'
import type { HandlerOutcome } from '../../engine/ports.ts'
import { unaskedBy } from './own-failure.ts'
import { limitTime, type TimeLimit } from './time-limit.ts'

/** Ok when the connection opens within the time. */
export function probeTcp(host: string, port: number, limit: TimeLimit): Promise<HandlerOutcome> {
  return new Promise(resolve => {
    const socket = createConnection({ host, port, autoSelectFamily: false })
    const finish = (outcome: HandlerOutcome) => {
      time[Symbol.dispose]()
      socket.destroy()
      resolve(outcome)
    }
    const time = limitTime(limit, why => finish({ ok: false, message: why ?? `dial tcp ${host}:${port}: i/o timeout` }))
    socket.on('connect', () => finish({ ok: true, message: '' }))
    socket.on('error', error =>
      finish({ ok: false, message: `dial tcp ${host}:${port}: ${connectText(error)}`, ...unaskedBy(error) }),
    )
  })
}

/** `connect: connection refused`, as the kubelet words it. */
export function connectText(error: NodeJS.ErrnoException): string {
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
    ECONNRESET: 'read: connection reset by peer',
  }
  return words[error.code ?? ''] ?? error.message
}
