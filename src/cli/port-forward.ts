/** `kube port-forward`: ports of this machine that lead into a pod as long as the command runs. Source: kubectl. */
import { createServer, isIP, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { V1Service } from '@kubernetes/client-node'
import { errnoOf, KubeError } from '../diagnostic.ts'
import { pidOf } from '../engine/container-facts.ts'
import { observePod } from '../engine/observe.ts'
import type { PodRecord } from '../engine/ports.ts'
import { connectInside } from '../host/network/pod-connection.ts'
import type { Context, Io } from './context.ts'
import { parseDuration } from './duration.ts'
import { findPods, findService } from './find-pod.ts'
import { type ForwardedPort, forwardedPorts } from './forwarded-ports.ts'
import type { RealHost } from './host.ts'
import { requireKind } from './resources.ts'
import { watchChanges } from './watch-changes.ts'

export interface PortForwardOptions {
  readonly namespace: string
  /** Comma-separated addresses of this machine; `localhost` is both loopback addresses. */
  readonly address: string
  readonly podRunningTimeout: string
}

export async function runPortForward(
  [target, ports]: [string, readonly string[]],
  options: PortForwardOptions,
  context: Context,
): Promise<number> {
  const { io, signal } = context
  if (ports.length === 0)
    throw new KubeError('Usage', 'at least 1 PORT is required for port-forward', {
      exitStatus: 2,
      hint: `for example: kube port-forward ${target} 8080:80`,
    })
  const addresses = addressesOf(options.address)
  const host = await context.host()
  const service = serviceOf(host, target, options.namespace)
  const pods = findPods(host, target, options.namespace)
  const timeoutMs = parseDuration(options.podRunningTimeout)
  const pod = await runningPod(host, pods, timeoutMs, signal)
  const forwards = forwardedPorts(ports, pod.plan, service)
  await using forwarding = new Forwarding(host, pod, io)
  for (const forward of forwards) await forwarding.listen(forward, addresses)
  using changes = watchChanges(host.layout)
  while (isThere(host, pod.uid)) if (!(await changes.next(signal))) return 0
  throw new KubeError('PodGone', `lost connection to pod ${pod.plan.name}: it is gone`)
}

/** A Service's own ports count where one is named. */
function serviceOf(host: RealHost, target: string, namespace: string): V1Service | undefined {
  const slash = target.indexOf('/')
  if (slash < 0 || requireKind(target.slice(0, slash)).kind !== 'Service') return undefined
  return findService(host, target.slice(slash + 1), namespace)
}

/** How often it is asked whether a pod runs, in milliseconds. */
const ASK_MS = 100

/** The first that runs, rather one that stays, waited for. Fails with code `PodNotRunning`. */
async function runningPod(
  host: RealHost,
  pods: readonly PodRecord[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<PodRecord> {
  const end = performance.now() + timeoutMs
  for (;;) {
    const records = pods.map(({ uid }) => host.state.pod(uid)).filter(record => record !== undefined)
    const running = records.filter(record => isRunning(host, record))
    const found = running.find(({ removing }) => !removing) ?? running[0]
    if (found) return found
    const isPaused = records.every(({ stopped }) => stopped)
    if (isPaused || performance.now() > end || signal.aborted) {
      const { name } = pods[0]!.plan
      throw new KubeError('PodNotRunning', `unable to forward port because pod ${name} is not running`, {
        hint: isPaused ? `\`kube start ${name}\` starts it` : `\`kube describe pod ${name}\` tells why`,
      })
    }
    await delay(ASK_MS, undefined, { signal }).catch(() => {})
  }
}

function isRunning(host: RealHost, record: PodRecord): boolean {
  const { infra, containers } = observePod(host, record)
  return infra === 'running' && Object.values(containers).some(({ state }) => state === 'running')
}

function isThere(host: RealHost, uid: string): boolean {
  const record = host.state.pod(uid)
  return record !== undefined && !record.removing
}

function addressesOf(text: string): readonly string[] {
  return text.split(',').flatMap(address => {
    if (address === 'localhost') return ['127.0.0.1', '::1']
    if (isIP(address) !== 0) return [address]
    throw new KubeError('Usage', `${address} is not a valid IP`, { exitStatus: 2 })
  })
}

/** The listeners and what came through them; disposing of it ends them all. */
class Forwarding implements AsyncDisposable {
  readonly #host: RealHost
  readonly #pod: PodRecord
  readonly #io: Io
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()

  constructor(host: RealHost, pod: PodRecord, io: Io) {
    this.#host = host
    this.#pod = pod
    this.#io = io
  }

  /** On every address the same port. Fails with codes `PortInUse` and others. */
  async listen({ local, remote }: ForwardedPort, addresses: readonly string[]): Promise<void> {
    let port = local
    for (const address of addresses) {
      const server = createServer({ allowHalfOpen: true }, client => void this.#forward(client, port, remote))
      try {
        await opened(server, port, address)
      } catch (error) {
        // A machine need not have IPv6, and localhost is reached without it.
        if (address === '::1' && addresses.includes('127.0.0.1')) continue
        throw cannotListen(port, address, error)
      }
      this.#servers.push(server)
      port = (server.address() as { readonly port: number }).port
      const shown = isIP(address) === 6 ? `[${address}]` : address
      this.#io.out(`Forwarding from ${shown}:${port} -> ${remote}\n`)
    }
  }

  async #forward(client: Socket, local: number, remote: number): Promise<void> {
    this.#io.out(`Handling connection for ${local}\n`)
    this.#keep(client)
    try {
      const inner = await connectInside(this.#netns(), remote)
      this.#keep(inner)
      // One that gives up takes the other one along; one that has said all leaves the other its say.
      client.on('close', () => inner.destroy()).pipe(inner)
      inner.on('close', () => client.destroy()).pipe(client)
      if (client.destroyed) inner.destroy()
    } catch (error) {
      client.destroy()
      const { name } = this.#pod.plan
      const why =
        errnoOf(error) === 'ECONNREFUSED'
          ? `nothing listens on port ${remote} of pod ${name}: connection refused`
          : `port ${remote} of pod ${name}: ${error instanceof Error ? error.message : String(error)}`
      this.#io.err(`kube: an error occurred forwarding ${local} -> ${remote}: ${why}\n`)
    }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
  }

  /** The pod's namespaces may be new ones by now. Absent on the machine's own network. */
  #netns(): string | undefined {
    if (this.#pod.plan.network.mode === 'host') return undefined
    const infra = this.#host.state.pod(this.#pod.uid)?.infra
    if (infra === undefined || !this.#host.runtime.isAlive(infra)) throw new Error('its network is gone')
    return `/proc/${pidOf(infra)}/ns/net`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(
      this.#servers.map(server => {
        const { promise, resolve } = Promise.withResolvers<void>()
        server.close(() => resolve())
        return promise
      }),
    )
  }
}

function opened(server: Server, port: number, host: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ port, host, ipv6Only: isIP(host) === 6 }, () => resolve())
  return promise
}

function cannotListen(port: number, address: string, error: unknown): KubeError {
  const code = errnoOf(error) ?? 'Failed'
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program has it',
    EADDRNOTAVAIL: 'this machine has no such address',
    EACCES: 'no permission',
  }
  return new KubeError(
    code === 'EADDRINUSE' ? 'PortInUse' : code,
    `unable to listen on port ${port} of ${address}: ${reasons[code] ?? code}`,
    { hint: 'another local port does as well: LOCAL:REMOTE, or :REMOTE for any' },
  )
}
