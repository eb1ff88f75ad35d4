/** HTTP as registries need it: one request, its redirects followed with care, and words for what can go wrong on the way. */
import { Agent as HttpAgent, type IncomingHttpHeaders, type IncomingMessage, request as startHttp } from 'node:http'
import { type AgentOptions, Agent as HttpsAgent, request as startHttps } from 'node:https'
import { getCACertificates } from 'node:tls'
import { errnoOf, KubeError } from '../../../diagnostic.ts'

/** Milliseconds without a byte, also while connecting. */
const IDLE_TIMEOUT_MS = 30_000
const REDIRECTS_MAX = 10
/** Sockets to one host. */
const SOCKETS_MAX = 8

export interface HttpRequest {
  readonly url: URL
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: AbortSignal | undefined
}

export interface HttpResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: IncomingMessage
  /** After redirects. */
  readonly url: URL
}

export interface TlsOptions {
  /** Default true. */
  readonly verify?: boolean
  readonly ca?: readonly string[]
  readonly cert?: string
  readonly key?: string
}

/** 127.0.0.0/8, ::1 and localhost: nobody can listen in between. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  )
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

/** Connections to registries and to where their blobs live, kept open between requests. */
export class HttpConnections implements Disposable {
  readonly #tls: TlsOptions
  #http: HttpAgent | undefined
  #https: HttpsAgent | undefined
  #usesSystemCa = false

  constructor(tls: TlsOptions = {}) {
    this.#tls = tls
  }

  [Symbol.dispose](): void {
    this.#http?.destroy()
    this.#https?.destroy()
  }

  /** Follows redirects. `Authorization` never goes to another host; a redirect never leads from https to http, except to loopback. */
  async request(request: HttpRequest): Promise<HttpResponse> {
    let { url, method = 'GET' } = request
    let headers = { ...request.headers }
    for (let redirects = 0; ; redirects++) {
      const body = await this.#send({ ...request, url, method, headers })
      const status = body.statusCode ?? 0
      const location = body.headers.location
      if (!isRedirect(status) || location === undefined) return { status, headers: body.headers, body, url }
      body.resume()
      if (redirects === REDIRECTS_MAX)
        throw new KubeError('RegistryFailed', `${url.host} redirects more than ${REDIRECTS_MAX} times`)
      const next = URL.parse(location, url)
      if (next?.protocol !== 'http:' && next?.protocol !== 'https:') {
        throw new KubeError('RegistryFailed', `${url.host} redirects to ${JSON.stringify(location)}`)
      }
      if (url.protocol === 'https:' && next.protocol === 'http:' && !isLoopback(next.hostname)) {
        throw new KubeError('RegistryFailed', `${url.host} redirects from https to http (${next.host})`)
      }
      if (next.host !== url.host || next.protocol !== url.protocol) {
        const { Authorization: _, ...others } = headers
        headers = others
      }
      if (status === 303) method = 'GET'
      url = next
    }
  }

  async #send(request: HttpRequest): Promise<IncomingMessage> {
    const { url, signal } = request
    signal?.throwIfAborted()
    const isTls = url.protocol === 'https:'
    const agent = isTls ? this.#httpsAgent() : this.#httpAgent()
    const start = isTls ? startHttps : startHttp
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const headers: Record<string, string> = { 'User-Agent': 'kube/0.1', ...request.headers }
    if (request.body !== undefined) headers['Content-Length'] = String(Buffer.byteLength(request.body))
    const sent = start(url, { method: request.method ?? 'GET', headers, agent, ...(signal ? { signal } : {}) }, resolve)
    sent.setTimeout(IDLE_TIMEOUT_MS, () => {
      sent.destroy(
        Object.assign(new Error(`no answer from ${url.host} for ${IDLE_TIMEOUT_MS / 1000} s`), { code: 'ETIMEDOUT' }),
      )
    })
    sent.on('error', reject)
    sent.end(request.body)
    try {
      return await promise
    } catch (error) {
      if (isTls && !this.#usesSystemCa && isUnknownIssuer(error)) {
        // Node.js brings its own list; a company's authority is often only in the machine's.
        this.#usesSystemCa = true
        this.#https?.destroy()
        this.#https = undefined
        return await this.#send(request)
      }
      throw error
    }
  }

  #httpAgent(): HttpAgent {
    this.#http ??= new HttpAgent({ keepAlive: true, maxSockets: SOCKETS_MAX, proxyEnv: process.env })
    return this.#http
  }

  #httpsAgent(): HttpsAgent {
    if (this.#https) return this.#https
    const { verify = true, ca = [], cert, key } = this.#tls
    const authorities = [...ca, ...(this.#usesSystemCa ? getCACertificates('system') : [])]
    const options: AgentOptions = {
      keepAlive: true,
      maxSockets: SOCKETS_MAX,
      proxyEnv: process.env,
      rejectUnauthorized: verify,
      ...(authorities.length === 0 ? {} : { ca: [...getCACertificates('default'), ...authorities] }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    }
    this.#https = new HttpsAgent(options)
    return this.#https
  }
}

function isUnknownIssuer(error: unknown): boolean {
  const code = errnoOf(error)
  return (
    code === 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' ||
    code === 'SELF_SIGNED_CERT_IN_CHAIN' ||
    code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
  )
}

/** The whole body, which must not be larger than `maxBytes`. */
export async function readBody(response: HttpResponse, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of response.body as AsyncIterable<Buffer>) {
    length += part.length
    if (length > maxBytes) {
      response.body.destroy()
      throw new KubeError('RegistryFailed', `${response.url.host} sends more than ${maxBytes} bytes`)
    }
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** Whether a broken exchange is worth another try. */
export function isTransient(error: unknown): boolean {
  const code = errnoOf(error)
  return (
    code === 'ECONNRESET' || code === 'ETIMEDOUT' || code === 'EPIPE' || code === 'EAI_AGAIN' || code === 'ECONNABORTED'
  )
}

/** Whether the other side does not speak TLS. */
export function isNotTls(error: unknown): boolean {
  const code = errnoOf(error)
  return (
    code === 'EPROTO' ||
    code === 'ERR_SSL_WRONG_VERSION_NUMBER' ||
    code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG' ||
    code === 'ECONNRESET'
  )
}

/** A network error as `RegistryUnreachable`, with what to do. Others pass through. */
export function explainNetwork(error: unknown, host: string): unknown {
  if (error instanceof KubeError) return error
  if (error instanceof AggregateError && error.errors.length > 0) return explainNetwork(error.errors[0], host)
  const code = errnoOf(error)
  if (code === undefined || code === 'ABORT_ERR') return error
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection refused',
    ENOTFOUND: 'no such host',
    EAI_AGAIN: 'its name cannot be looked up now',
    ETIMEDOUT: 'no answer',
    ECONNRESET: 'the connection broke',
    EHOSTUNREACH: 'no route to it',
    ENETUNREACH: 'the network is unreachable',
    EPROTO: 'it does not speak TLS',
  }
  const isCertificate = /CERT|SELF_SIGNED|ALTNAME|UNABLE_TO/.test(code)
  const reason = isCertificate ? `its certificate is not trusted (${code})` : (reasons[code] ?? code)
  const hint = isCertificate
    ? `put its authority's certificate into /etc/containers/certs.d/${host}/ca.crt, or use --tls-verify=false`
    : code === 'EPROTO'
      ? 'use --tls-verify=false for a registry that speaks plain HTTP'
      : 'check the name and the network; an image that is in the store needs no registry (imagePullPolicy: IfNotPresent)'
  // The cause says the same in the library's words, unless it is one we have none for.
  const cause = code in reasons || isCertificate ? {} : { cause: error }
  return new KubeError('RegistryUnreachable', `registry ${host}: ${reason}`, { ...cause, hint })
}
