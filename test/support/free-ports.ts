/** Numbers that only this process uses, so that several runs of the tests can be under way on one machine. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below the ports that the kernel gives away by itself. */
const FIRST_PORT = 20_000
const PORTS = 10_000

/** Ports of the machine, TCP and UDP, that nobody listens on and that no other test is given while this process lives. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const found: number[] = []
  while (found.length < count) {
    const port = await ownNumber('port', FIRST_PORT, PORTS)
    if (await isFree(port)) found.push(port)
  }
  return found
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1)
  return port!
}

/** One of `count` numbers from `first`, which no other process has under that name, and which this one never gets again. */
export async function ownNumber(name: string, first: number, count: number): Promise<number> {
  const start = Math.floor(Math.random() * count)
  for (let i = 0; i < count; i++) {
    const number = first + ((start + i) % count)
    if (await isOwn(`kube-test-${name}-${number}`)) return number
  }
  throw new Error(`each ${name} of ${count} is in use by a test`)
}

/** An abstract socket is bound by one process at a time, and let go with it, however it ends. */
async function isOwn(name: string): Promise<boolean> {
  const server = createServer().unref()
  return listens(server, { path: `\0${name}` })
}

async function isFree(port: number): Promise<boolean> {
  const tcp = createServer()
  const udp = createSocket('udp4')
  try {
    if (!(await listens(tcp, { port, host: '0.0.0.0' }))) return false
    const bound = once(udp, 'listening')
    udp.bind(port, '0.0.0.0')
    await bound
    return true
  } catch {
    return false
  } finally {
    await Promise.all([new Promise(resolve => tcp.close(resolve)), new Promise<void>(resolve => udp.close(resolve))])
  }
}

async function listens(
  server: ReturnType<typeof createServer>,
  where: { readonly path: string } | { readonly port: number; readonly host: string },
): Promise<boolean> {
  const listening = once(server, 'listening')
  server.listen(where)
  return listening.then(
    () => true,
    () => false,
  )
}
