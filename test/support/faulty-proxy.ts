/** Stands between a client and a registry, and does what networks and servers do. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What happens to one request; undefined lets it through. */
export type Fault =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
    }
  /** The connection breaks after so many bytes of the body. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** The registry never learns of the range. */
  | { readonly kind: 'noRange' }
  /** One bit of the body is another. */
  | { readonly kind: 'corrupt' }
  /** Nothing comes until `until` is done. */
  | { readonly kind: 'stall'; readonly until: Promise<unknown> }

export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
}

export class FaultyProxy implements AsyncDisposable {
  readonly host: string
  readonly seen: SeenRequest[] = []
  /** Decides for each request; `count` says how often this URL was asked for before. */
  fault: (request: SeenRequest, count: number) => Fault | undefined = () => undefined
  readonly #server: Server
  readonly #target: string

  private constructor(server: Server, target: string) {
    this.#server = server
    this.#target = target
    this.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (incoming, outgoing) => this.#pass(incoming, outgoing))
  }

  /** `target` is `host:port`. */
  static async start(target: string): Promise<FaultyProxy> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FaultyProxy(server, target)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    // A client that goes away is what some tests are about; without a listener it would end the process.
    incoming.on('error', () => {})
    outgoing.on('error', () => {})
    const seen = { method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers }
    const count = this.seen.filter(({ url }) => url === seen.url).length
    this.seen.push(seen)
    const fault = this.fault(seen, count)
    if (fault?.kind === 'answer') {
      outgoing.writeHead(fault.status, fault.headers).end(fault.body)
      return
    }
    const headers = { ...incoming.headers }
    if (fault?.kind === 'noRange') delete headers.range
    const forwarded = request(`http://${this.#target}${seen.url}`, { method: seen.method, headers }, answer => {
      // A registry that breaks off is passed on as that.
      relay(answer, outgoing, fault).catch(() => outgoing.destroy())
    })
    forwarded.on('error', () => outgoing.destroy())
    incoming.pipe(forwarded)
  }
}

async function relay(answer: IncomingMessage, outgoing: ServerResponse, fault: Fault | undefined): Promise<void> {
  if (fault?.kind === 'stall') await fault.until
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
  outgoing.flushHeaders()
  let sent = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (fault?.kind === 'corrupt' && sent === 0) chunk[chunk.length >> 1] = chunk[chunk.length >> 1]! ^ 1
    const part = fault?.kind === 'cut' ? chunk.subarray(0, Math.max(fault.afterBytes - sent, 0)) : chunk
    sent += part.length
    // Resolves when it has left, or when the client has gone.
    await new Promise(resolve => outgoing.write(part, resolve))
    if (outgoing.destroyed) return
    if (fault?.kind === 'cut' && sent >= fault.afterBytes) {
      outgoing.destroy()
      return
    }
  }
  outgoing.end()
}
