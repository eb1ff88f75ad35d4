/** `kube logs`: what containers wrote. */
import { existsSync } from 'node:fs'
import { KubeError } from '../diagnostic.ts'
import type { ContainerRecord, PodRecord } from '../engine/ports.ts'
import { readLog } from '../host/logs/read-log.ts'
import type { MemberPlan } from '../plan/types.ts'
import type { LogEntry } from '../status/cri-log.ts'
import type { Context } from './context.ts'
import { parseDuration } from './duration.ts'
import { chooseContainer, findPod, findPods, requireContainer, selectPods } from './find-pod.ts'
import type { RealHost } from './host.ts'
import { renderError } from './render.ts'
import { truthOf } from './truth.ts'

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
  readonly allPods?: boolean
  readonly prefix?: string | boolean
  readonly maxLogRequests?: number
  readonly ignoreErrors?: boolean
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
  if (options.allContainers && name !== undefined)
    throw new KubeError('Usage', '--all-containers should not be given with a container name', { exitStatus: 2 })
  const wanted = pods.flatMap(pod => membersOf(pod, name, options, context).map(member => ({ pod, member })))
  if (wanted.length === 0) context.io.err(`No resources found in ${options.namespace} namespace.\n`)
  const most = options.maxLogRequests ?? MAX_LOG_REQUESTS
  if (options.follow && wanted.length > most)
    throw new KubeError(
      'Usage',
      `you are attempting to follow ${wanted.length} log streams, but maximum allowed concurrency is ${most}`,
      { exitStatus: 2, hint: 'use --max-log-requests to increase the limit' },
    )
  const writer = new LogWriter(options, wanted.length > 1, context)
  const read = readOptions(options, context)
  const print = async ({ pod, member }: (typeof wanted)[number]) => {
    try {
      const source = sourceOf(host, pod, member, options.previous === true)
      await copy(source, writer, options.follow ? { ...read, until: end(host, source, context) } : read)
    } catch (error) {
      if (!options.ignoreErrors) throw error
      context.io.err(renderError(context.io, error))
    }
  }
  if (options.follow) await Promise.all(wanted.map(print))
  else for (const one of wanted) await print(one)
  return 0
}

/** Source: kubectl logs --help. */
const MAX_LOG_REQUESTS = 5

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
  if (options.allPods) return findPods(host, target, options.namespace)
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
  // Until its next run begins, the run that just ended is the current one and, while that is waited for, the previous one.
  const isPending = isToBegin(known)
  const isLast = isPending || (known?.lifecycle?.waiting !== undefined && !isRunning(host, known))
  const attempt = (known?.attempt ?? 0) - (isPending ? 1 : 0) - (previous && !isLast ? 1 : 0)
  const path = host.logFile(pod.uid, member.name, attempt)
  if (pod.plan.logging?.driver === 'none')
    throw new KubeError(
      'LogNotFound',
      `container "${member.name}" in pod "${pod.plan.name}" has no log: it was played with --log-driver=none`,
    )
  const place = `container "${member.name}" in pod "${pod.plan.name}"`
  if (previous && (attempt < 0 || !existsSync(path)))
    throw new KubeError('LogNotFound', `previous terminated ${place} not found`)
  // Before its first run nothing was written.
  if (known?.process === undefined && attempt === 0 && !existsSync(path))
    throw new KubeError('LogNotFound', `${place} is waiting to start: ${reasonOf(pod, known)}`)
  return { pod, member, path }
}

/** Source of the words: kubelet, validateContainerLogStatus. */
function reasonOf({ plan }: PodRecord, known: ContainerRecord | undefined): string {
  const reason = known?.lifecycle?.waiting?.reason
  if (reason === 'ErrImagePull') return "image can't be pulled"
  if (reason === 'ImagePullBackOff') return 'trying and failing to pull image'
  if (reason !== undefined) return reason
  const hasInit = plan.members.some(({ role }) => role === 'init' || role === 'sidecar')
  return hasInit ? 'PodInitializing' : 'ContainerCreating'
}

/** Its next run is being made. */
function isToBegin(known: ContainerRecord | undefined): boolean {
  return known !== undefined && known.attempt > 0 && known.startedAt === undefined && known.lifecycle?.end === undefined
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
  /** Bytes that may still come. */
  room: number
  isLineStart: boolean
}

/** Standard output, of each container up to the limit of bytes. */
class LogWriter {
  readonly #context: Context
  readonly #timestamps: boolean
  readonly #prefix: boolean
  readonly #limitBytes: number

  constructor(options: LogsOptions, isMixed: boolean, context: Context) {
    this.#context = context
    this.#timestamps = options.timestamps === true
    // Lines of several followed containers come mixed: without a name nobody could tell them apart.
    const prefix = truthOf(options.prefix, '--prefix')
    this.#prefix = prefix ?? (options.allPods === true || (isMixed && options.follow === true))
    this.#limitBytes = options.limitBytes ?? Number.POSITIVE_INFINITY
  }

  streamOf({ pod, member }: LogSource): LogStream {
    const prefix = this.#prefix ? `[pod/${pod.plan.name}/${member.name}] ` : ''
    return { prefix, room: this.#limitBytes, isLineStart: true }
  }

  /** Whether there is room for more. The prefix takes none: it is not the container's. */
  async write(entries: readonly LogEntry[], stream: LogStream): Promise<boolean> {
    const parts: Buffer[] = []
    const add = (part: Buffer) => {
      const fitting = part.length > stream.room ? part.subarray(0, stream.room) : part
      stream.room -= fitting.length
      parts.push(fitting)
    }
    for (const { time, text, isFull } of entries) {
      if (stream.room === 0) break
      if (stream.isLineStart) {
        if (stream.prefix !== '') parts.push(Buffer.from(stream.prefix))
        if (this.#timestamps) add(Buffer.from(`${time.replace(/\+00:00$/, 'Z')} `))
      }
      add(text)
      if (isFull) add(LINE_FEED)
      stream.isLineStart = isFull
    }
    const bytes = Buffer.concat(parts)
    if (bytes.length > 0) await this.#context.io.write(bytes)
    return stream.room > 0
  }
}
