/** Connections to what listens inside a pod, on its loopback interface too. */
import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import { errnoOf } from '../../diagnostic.ts'
import { tcpSocket, withNetns } from '../sys/libc.ts'

const LOOPBACK = { 4: '127.0.0.1', 6: '::1' } as const

/**
 * Connects to a TCP port in a network namespace: on IPv4, and where nothing listens there on IPv6, as the kubelet's
 * container runtimes do. `netns` is a path, absent for the machine's own. Fails with a system error: `ECONNREFUSED`.
 */
export async function connectInside(netns: string | undefined, port: number): Promise<Socket> {
  try {
    return await connect(netns, port, 4)
  } catch (error) {
    if (errnoOf(error) !== 'ECONNREFUSED') throw error
    // Where there is no IPv6, the first answer is the one to tell.
    return connect(netns, port, 6).catch(() => Promise.reject(error))
  }
}

async function connect(netns: string | undefined, port: number, family: 4 | 6): Promise<Socket> {
  // Node.js makes a socket some time later: only one that is there already is in the other namespace.
  const fd = netns === undefined ? tcpSocket(family) : withNetns(netns, () => tcpSocket(family))
  const socket = openSocket(fd)
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  socket.once('error', reject)
  socket.connect({ host: LOOPBACK[family], port }, () => {
    socket.off('error', reject)
    resolve(socket)
  })
  return promise
}

/** Closes the descriptor when it cannot be used. Nothing is read before it is connected. */
function openSocket(fd: number): Socket {
  const options = { fd, allowHalfOpen: true, manualStart: true }
  try {
    return new Socket(options)
  } catch (error) {
    closeSync(fd)
    throw error
  }
}
