/** `kube logs`: what containers wrote. */
import { existsSync } from 'node:fs'
import { KubeError } from '../diagnostic.ts'
import type { ContainerRecord, PodRecord } from '../engine/ports.ts'
import { readLog } from '../host/logs/read-log.ts'
import type { MemberPlan } from '../plan/types.ts'
import type { LogEntry } from '../status/cri-log.ts'
import type { Context } from './context.ts'
import { parseDuration } from './duration.ts'
import { chooseContainer, findPod, requireContainer, selectPods } from './find-pod.ts'
import type { RealHost } from './host.ts'

export interface LogsOptions {
  readonly namespace: string
  readonly container?: string
  readonly follow?: boolean
  readonly tail?: string
  readonly since?: string
  readonly sinceTime?: string
  readonly timestamps?: boolean
  readonly previous?: boolean
  readonly allContainers?: boolean
  readonly prefix?: boolean
  readonly selector?: string
  readonly limitBytes?: number
}

interface LogSource {
  readonly pod: PodRecord
  readonly member: MemberPlan
  readonly path: string
}

/** With a selector, kubectl shows the end of each log only. */
const SELECTED_TAIL = 10

export async function runLogs(
  [target, containerArgument]: [string | undefined, string | undefined],
  options: LogsOptions,
  context: Context,
): Promise<number> {
  const host = await context.host()
  const pods = podsOf(host, target, options, context)
  const name = options.container ?? containerArgument
  const sources = pods.flatMap(pod =>
    membersOf(pod, name, options, context).map(member => sourceOf(host, pod, member, options.previous === true)),
  )
  if (sources.length === 0) context.io.err(`No resources found in ${options.namespace} namespace.\n`)
  const writer = new LogWriter(options, sources.length > 1, context)
  const read = readOptions(options, context)
  if (options.follow)
    await Promise.all(sources.map(source => copy(source, writer, { ...read, until: end(host, source, context) })))
  else for (const source of sources) await copy(source, writer, read)
  return 0
}

function podsOf(
  host: RealHost,
  target: string | undefined,
  options: LogsOptions,
  context: Context,
): readonly PodRecord[] {
  if (options.selector !== undefined) {
    if (target !== undefined)
      throw new KubeError('Usage', 'a pod and a selector cannot be given together', { exitStatus: 2 })
    return selectPods(host, options.selector, options.namespace)
  }
  if (target === undefined) throw new KubeError('Usage', 'expected POD or -l SELECTOR', { exitStatus: 2 })
  return [findPod(host, target, options.namespace, context.io)]
}

function membersOf(
  { plan }: PodRecord,
  name: string | undefined,
  options: LogsOptions,
  { io }: Context,
): readonly MemberPlan[] {
  if (!options.allContainers) return [chooseContainer(plan, name, io)]
  return name === undefined ? plan.members : [requireContainer(plan, name)]
}

/** The log of the run that is asked for. Fails with code `LogNotFound`. */
function sourceOf(host: RealHost, pod: PodRecord, member: MemberPlan, previous: boolean): LogSource {
  const known = pod.containers[member.name]
  // Of one that waits for its restart, the run that just ended is the previous one as well.
  const isLast = known?.lifecycle?.waiting !== undefined && !isRunning(host, known)
  const attempt = (known?.attempt ?? 0) - (previous && !isLast ? 1 : 0)
  const path = host.logFile(pod.uid, member.name, attempt)
  if (pod.plan.logging?.driver === 'none')
    throw new KubeError(
      'LogNotFound',
      `container "${member.name}" in pod "${pod.plan.name}" has no log: it was played with --log-driver=none`,
    )
  const place = `container "${member.name}" in pod "${pod.plan.name}"`
  if (previous && (attempt < 0 || !existsSync(path)))
    throw new KubeError('LogNotFound', `previous terminated ${place} not found`)
  if (known === undefined && !existsSync(path)) {
    const reason = pod.plan.members.some(({ role }) => role === 'init' || role === 'sidecar')
      ? 'PodInitializing'
      : 'ContainerCreating'
    throw new KubeError('LogNotFound', `${place} is waiting to start: ${reason}`)
  }
  return { pod, member, path }
}

function isRunning(host: RealHost, { id, process }: ContainerRecord): boolean {
  return process !== undefined && host.runtime.observe(id, process, true).state === 'running'
}

interface ReadSettings {
  readonly tail?: number
  readonly sinceMs?: number
  readonly signal: AbortSignal
  readonly until?: Promise<void>
}

function readOptions(options: LogsOptions, { signal }: Context): ReadSettings {
  if (options.since !== undefined && options.sinceTime !== undefined)
    throw new KubeError('Usage', 'only one of --since and --since-time can be given', { exitStatus: 2 })
  const tail = tailOf(options)
  const sinceMs = sinceOf(options)
  return { signal, ...(tail === undefined ? {} : { tail }), ...(sinceMs === undefined ? {} : { sinceMs }) }
}

function tailOf({ tail, selector }: LogsOptions): number | undefined {
  if (tail === undefined) return selector === undefined ? undefined : SELECTED_TAIL
  if (/^(?:-1|all)$/.test(tail)) return undefined
  if (/^\d+$/.test(tail)) return Number(tail)
  throw new KubeError('Usage', `not a number of lines: ${tail}`, { exitStatus: 2 })
}

function sinceOf({ since, sinceTime }: LogsOptions): number | undefined {
  if (since !== undefined) return Date.now() - parseDuration(since)
  if (sinceTime === undefined) return undefined
  const time = Date.parse(sinceTime)
  if (!Number.isNaN(time)) return time
  throw new KubeError('Usage', `not a time: ${sinceTime}`, { exitStatus: 2, hint: 'for example 2026-01-31T12:00:00Z' })
}

/** When the container that writes the log has ended. */
async function end(host: RealHost, { pod, member }: LogSource, { signal }: Context): Promise<void> {
  const known = pod.containers[member.name]
  if (known?.process !== undefined) await host.runtime.ended(known.id, known.process, signal)
}

async function copy(source: LogSource, writer: LogWriter, options: ReadSettings): Promise<void> {
  const stream = writer.streamOf(source)
  for await (const entries of readLog(source.path, options)) if (!(await writer.write(entries, stream))) return
}

const LINE_FEED = Buffer.from('\n')

interface LogStream {
  readonly prefix: string
  isLineStart: boolean
}

/** Standard output, up to the limit of bytes. */
class LogWriter {
  readonly #context: Context
  readonly #timestamps: boolean
  readonly #prefix: boolean
  #room: number

  constructor(options: LogsOptions, isMixed: boolean, context: Context) {
    this.#context = context
    this.#timestamps = options.timestamps === true
    // Lines of several followed containers come mixed: without a name nobody could tell them apart.
    this.#prefix = options.prefix ?? (isMixed && options.follow === true)
    this.#room = options.limitBytes ?? Number.POSITIVE_INFINITY
  }

  streamOf({ pod, member }: LogSource): LogStream {
    return { prefix: this.#prefix ? `[pod/${pod.plan.name}/${member.name}] ` : '', isLineStart: true }
  }

  /** Whether there is room for more. */
  async write(entries: readonly LogEntry[], stream: LogStream): Promise<boolean> {
    const parts: Buffer[] = []
    for (const { time, text, isFull } of entries) {
      if (stream.isLineStart) {
        const stamp = this.#timestamps ? `${time.replace(/\+00:00$/, 'Z')} ` : ''
        if (stream.prefix !== '' || stamp !== '') parts.push(Buffer.from(stream.prefix + stamp))
      }
      parts.push(text)
      if (isFull) parts.push(LINE_FEED)
      stream.isLineStart = isFull
    }
    const bytes = Buffer.concat(parts)
    const fitting = bytes.length > this.#room ? bytes.subarray(0, this.#room) : bytes
    this.#room -= fitting.length
    if (fitting.length > 0) await this.#context.io.write(fitting)
    return this.#room > 0
  }
}
