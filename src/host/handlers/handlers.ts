/** Runs probes and hooks from the machine, as a kubelet does. */
import type { HandlerOutcome, HandlerPort, HandlerRequest } from '../../engine/ports.ts'
import { type ExecRunner, probeExec } from './exec-handler.ts'
import { probeGrpc } from './grpc-handler.ts'
import { probeHttp } from './http-handler.ts'
import { probeTcp } from './tcp-handler.ts'
import { limitTime } from './time-limit.ts'

export interface HandlerOptions {
  /** How commands are run in a container, each time with a file of its own for its pid. */
  readonly execIn: (containerId: string) => ExecRunner
}

export function openHandlers(options: HandlerOptions): HandlerPort {
  return {
    async run(request) {
      try {
        return await dispatch(request, options)
      } catch (error) {
        return { ok: false, unasked: true, message: error instanceof Error ? error.message : String(error) }
      }
    },
  }
}

async function dispatch(request: HandlerRequest, options: HandlerOptions): Promise<HandlerOutcome> {
  const { handler, address, timeoutMs, signal } = request
  const limit = { timeoutMs, signal }
  if (handler.exec) return probeExec(options.execIn(request.containerId), handler.exec.command ?? [], limit)
  if (handler.httpGet) {
    const { host, port, path, scheme, httpHeaders } = handler.httpGet
    return probeHttp({
      host: host || address,
      port: portNumber(port as number | string, request),
      path: path ?? '/',
      tls: scheme === 'HTTPS',
      headers: httpHeaders ?? [],
      userAgent: request.userAgent,
      limit,
    })
  }
  if (handler.tcpSocket) {
    return probeTcp(
      handler.tcpSocket.host || address,
      portNumber(handler.tcpSocket.port as number | string, request),
      limit,
    )
  }
  if (handler.grpc) return probeGrpc(address, handler.grpc.port, handler.grpc.service ?? '', timeoutMs)
  if (handler.sleep) {
    const { promise, resolve } = Promise.withResolvers<HandlerOutcome>()
    const sleepMs = Math.min(handler.sleep.seconds * 1000, timeoutMs)
    using _time = limitTime({ timeoutMs: sleepMs, signal }, why =>
      resolve({ ok: why === undefined, message: why ?? '' }),
    )
    return await promise
  }
  return { ok: true, message: '' }
}

/** A port by number, by its digits, or by the name that the container gives it. */
function portNumber(port: number | string, request: HandlerRequest): number {
  if (typeof port === 'number') return port
  const named = request.ports.find(({ name }) => name === port)?.containerPort
  if (named !== undefined) return named
  if (/^\d+$/.test(port)) return Number(port)
  throw new Error(`couldn't find port "${port}" of container "${request.container}"`)
}
