/** An HTTP request. Source: kubelet, pkg/probe/http. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { monotonicMs } from '../../engine/monotonic.ts'
import type { HandlerOutcome } from '../../engine/ports.ts'
import { unaskedBy } from './own-failure.ts'
import { connectText } from './tcp-handler.ts'
import { limitTime, type TimeLimit } from './time-limit.ts'

export interface HttpProbe {
  readonly host: string
  readonly port: number
  /** With its query. */
  readonly path: string
  /** The certificate is not verified, as the kubelet does not. */
  readonly tls: boolean
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  readonly userAgent: string
  readonly limit: TimeLimit
}

const REDIRECTS = 10
/** Bytes of an answer that are kept for the message. */
const BODY_BYTES = 10 * 1024
/** Bytes of an answer's head at most. */
const HEAD_BYTES = 2 ** 20

/** Ok for a status of 200 to 399; a redirect to the same host is followed, one to another host is a success. */
export async function probeHttp(probe: HttpProbe): Promise<HandlerOutcome> {
  const deadline = monotonicMs() + probe.limit.timeoutMs
  let target = probe
  for (let i = 0; i < REDIRECTS; i++) {
    const timeoutMs = Math.max(1, deadline - monotonicMs())
    const answer = await ask(target, { ...probe.limit, timeoutMs })
    if ('message' in answer) return { ok: false, ...answer }
    const { status, location, body } = answer
    if (status >= 300 && status < 400 && location !== undefined) {
      const url = URL.parse(location, urlOf(target))
      if (!url) return { ok: false, message: `failed to parse Location header ${JSON.stringify(location)}` }
      if (url.hostname !== bracketed(target.host))
        return { ok: true, message: 'Probe terminated redirects, Response body: ' }
      const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
      target = { ...target, tls: url.protocol === 'https:', port, path: `${url.pathname}${url.search}` }
      continue
    }
    if (status >= 200 && status < 400) return { ok: true, message: body }
    return { ok: false, message: `HTTP probe failed with statuscode: ${status}` }
  }
  return { ok: false, message: `Get "${urlOf(target)}": stopped after ${REDIRECTS} redirects` }
}

interface Answer {
  readonly status: number
  readonly location?: string
  readonly body: string
}

interface NoAnswer {
  readonly message: string
  readonly unasked?: true
}

async function ask(probe: HttpProbe, limit: TimeLimit): Promise<Answer | NoAnswer> {
  const { host, port, tls } = probe
  const url = urlOf(probe)
  const start: typeof httpRequest = tls ? ((await import('node:https')).request as typeof httpRequest) : httpRequest
  return new Promise(resolve => {
    let request: ClientRequest | undefined
    const finish = (answer: Answer | NoAnswer) => {
      time[Symbol.dispose]()
      request?.destroy()
      resolve(answer)
    }
    const time = limitTime(limit, why => {
      const late = 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
      finish({ message: `Get "${url}": ${why ?? late}` })
    })
    const options = {
      host,
      port,
      path: requestTarget(probe.path),
      headers: headersOf(probe),
      // A connection of its own: what a probe asks is whether a new one is answered.
      agent: false as const,
      // A server of three lines of shell may end its own with bare line feeds: the kubelet reads that.
      insecureHTTPParser: true,
      maxHeaderSize: HEAD_BYTES,
      ...(tls ? { rejectUnauthorized: false } : {}),
    }
    const take = (response: IncomingMessage) => {
      let body = ''
      response.setEncoding('utf8')
      const done = () => {
        const location = response.headers.location
        finish({ status: response.statusCode ?? 0, body, ...(location === undefined ? {} : { location }) })
      }
      response.on('data', (chunk: string) => {
        body += chunk
        if (body.length >= BODY_BYTES) done()
      })
      response.on('end', done)
      response.on('error', error => finish({ message: `Get "${url}": ${error.message}` }))
    }
    try {
      request = start(options, take)
    } catch (error) {
      // A header's value that cannot be sent.
      finish({ message: `Get "${url}": ${error instanceof Error ? error.message : String(error)}` })
      return
    }
    request.on('error', error =>
      finish({ message: `Get "${url}": ${failureText(error, host, port)}`, ...unaskedBy(error) }),
    )
    request.end()
  })
}

/** As Go's net/http words it. */
function failureText(
  error: NodeJS.ErrnoException & { readonly rawPacket?: Buffer },
  host: string,
  port: number,
): string {
  if (error.code === 'EPROTO' && /wrong version number/i.test(error.message))
    return 'http: server gave HTTP response to HTTPS client'
  if (error.code?.startsWith('HPE_')) {
    const [line = ''] = error.rawPacket?.subarray(0, BODY_BYTES).toString('utf8').split(/\r?\n/, 1) ?? []
    return `net/http: HTTP/1.x transport connection broken: malformed HTTP response ${JSON.stringify(line)}`
  }
  // The connection was closed without an answer.
  if (error.message === 'socket hang up') return 'EOF'
  return `dial tcp ${host}:${port}: ${connectText(error)}`
}

/** The manifest's headers; an empty value takes a default away. */
function headersOf(probe: HttpProbe): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {
    Host: `${bracketed(probe.host)}:${probe.port}`,
    'User-Agent': probe.userAgent,
    Accept: '*/*',
    Connection: 'close',
  }
  const given = new Map<string, { readonly name: string; readonly values: string[] }>()
  for (const { name, value } of probe.headers) {
    const known = given.get(name.toLowerCase()) ?? { name, values: [] }
    known.values.push(value)
    given.set(name.toLowerCase(), known)
  }
  for (const { name, values } of given.values()) {
    const standing = Object.keys(headers).find(key => key.toLowerCase() === name.toLowerCase())
    if (standing !== undefined) delete headers[standing]
    if (values.length > 1) headers[name] = values
    else if (values[0] !== '') headers[name] = values[0]!
  }
  return headers
}

/**
 * A manifest's path as a request says it: what no request may hold is escaped, and the fragment is left out. Source: Go's
 * net/url, with which the kubelet reads it.
 */
export function requestTarget(path: string): string {
  const [whole = ''] = path.split('#', 1)
  const percents = /%(?![0-9A-Fa-f]{2})/.test(whole) ? whole.replaceAll('%', '%25') : whole
  const escaped = percents.replace(/[^\x21-\x7e]+/g, text =>
    [...Buffer.from(text)].map(byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
  return escaped.startsWith('/') ? escaped : `/${escaped}`
}

function urlOf({ tls, host, port, path }: HttpProbe): string {
  return `${tls ? 'https' : 'http'}://${bracketed(host)}:${port}${requestTarget(path)}`
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
