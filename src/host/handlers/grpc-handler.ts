/** A call of the standard gRPC health service. Source: grpc.health.v1; gRPC over HTTP/2. */
import type { HandlerOutcome } from '../../engine/ports.ts'
import { startTimer } from '../../engine/timer.ts'
import { unaskedBy } from './own-failure.ts'
import { connectText } from './tcp-handler.ts'

const SERVING = 1
const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']

/** Ok when the service answers SERVING within the time. */
export async function probeGrpc(
  host: string,
  port: number,
  service: string,
  timeoutMs: number,
): Promise<HandlerOutcome> {
  const { connect } = await import('node:http2')
  return new Promise(resolve => {
    const session = connect(`http://${host.includes(':') ? `[${host}]` : host}:${port}`)
    const finish = (outcome: HandlerOutcome) => {
      timer[Symbol.dispose]()
      session.destroy()
      resolve(outcome)
    }
    const timer = startTimer(
      () =>
        finish({
          ok: false,
          message: `timeout: failed to connect service "${host}:${port}" within ${timeoutMs / 1000}s`,
        }),
      timeoutMs,
    )
    session.on('error', (error: NodeJS.ErrnoException) => {
      const message = `error: failed to connect service at "${host}:${port}": ${connectText(error)}`
      finish({ ok: false, message, ...unaskedBy(error) })
    })
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'kube-probe/1.36',
    })
    const chunks: Buffer[] = []
    let grpcStatus: string | undefined
    const note = (headers: Record<string, unknown>) => {
      if (headers['grpc-status'] !== undefined) grpcStatus = String(headers['grpc-status'])
    }
    stream.on('response', note)
    stream.on('trailers', note)
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    // A session that fails takes its streams with it, and tells why only after them.
    stream.on('error', error => setImmediate(() => finish({ ok: false, message: error.message })))
    stream.on('end', () => {
      // A connection that is closed ends its streams before it fails itself.
      if (grpcStatus !== undefined || chunks.length > 0) finish(judge(Buffer.concat(chunks), grpcStatus, service))
    })
    stream.on('close', () =>
      setImmediate(() => finish({ ok: false, message: `error: health rpc failed for service "${service}": EOF` })),
    )
    stream.end(frame(healthRequest(service)))
  })
}

function judge(body: Buffer, grpcStatus: string | undefined, service: string): HandlerOutcome {
  if (grpcStatus === '12')
    return {
      ok: false,
      message: 'error: this server does not implement the grpc health protocol (grpc.health.v1.Health)',
    }
  if (grpcStatus !== undefined && grpcStatus !== '0')
    return { ok: false, message: `error: health rpc failed with grpc status ${grpcStatus} for service "${service}"` }
  const status = servingStatus(body.subarray(5))
  if (status === SERVING) return { ok: true, message: 'service healthy' }
  return { ok: false, message: `service unhealthy (responded with "${STATUSES[status] ?? status}")` }
}

/** A message with gRPC's prefix: not compressed, its length. */
function frame(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

/** HealthCheckRequest: field 1, the service's name. Names are shorter than 128 bytes or take a longer varint. */
function healthRequest(service: string): Buffer {
  if (service === '') return Buffer.alloc(0)
  const name = Buffer.from(service)
  return Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name])
}

function varint(value: number): readonly number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  bytes.push(rest)
  return bytes
}

/** HealthCheckResponse: field 1, a varint; absent is 0. */
function servingStatus(message: Buffer): number {
  return message[0] === 0x08 ? (message[1] ?? 0) : 0
}
