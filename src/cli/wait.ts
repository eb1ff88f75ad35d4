/** `kube wait`: until objects are what they shall be, as kubectl waits. Source: kubectl pkg/cmd/wait. */
import { KubeError } from '../diagnostic.ts'
import { timeoutSignal } from '../engine/timer.ts'
import type { WireObject } from '../status/wire.ts'
import type { Context } from './context.ts'
import { parseDuration } from './duration.ts'
import { type GetOptions, type Request, requestsOf, select } from './get.ts'
import type { RealHost } from './host.ts'
import { qualifiedName, qualifiedPlural } from './resources.ts'
import { parseWish, type Wish } from './wait-wish.ts'
import { watchChanges } from './watch-changes.ts'
import { readWorld } from './world.ts'

export interface WaitOptions
  extends Pick<GetOptions, 'namespace' | 'allNamespaces' | 'selector' | 'fieldSelector' | 'filename'> {
  readonly for?: string
  readonly timeout?: string
  readonly all?: boolean
  readonly output?: string
}

const DEFAULT_TIMEOUT = '30s'
/** What a negative timeout means, in milliseconds. Source: kubectl wait --help. */
const A_WEEK_MS = 7 * 24 * 3600 * 1000

export async function runWait(
  [resources]: [readonly string[]],
  options: WaitOptions,
  context: Context,
): Promise<number> {
  if (options.for === undefined)
    throw new KubeError('Usage', 'no condition is named', { exitStatus: 2, hint: '--for=condition=Ready' })
  const wish = parseWish(options.for)
  const timeoutMs = timeoutOf(options.timeout ?? DEFAULT_TIMEOUT)
  const requests = await requestsOf(resources, options, context)
  checkChoice(requests, options)
  const host = await context.host()
  const unmet = await waitUntil({ host, requests, options, wish, timeoutMs, context })
  for (const name of unmet) context.io.err(`error: timed out waiting for the condition on ${name}\n`)
  return unmet.length > 0 ? 1 : 0
}

/** A negative span is a week. */
function timeoutOf(text: string): number {
  return text.startsWith('-') ? A_WEEK_MS : parseDuration(text)
}

function checkChoice(requests: readonly Request[], { all, selector, fieldSelector }: WaitOptions): void {
  if (requests.some(({ name }) => name !== undefined) || all || selector !== undefined || fieldSelector !== undefined)
    return
  throw new KubeError('Usage', 'a resource cannot be waited for without a name, a selector or --all', { exitStatus: 2 })
}

interface Waiting {
  readonly host: RealHost
  readonly requests: readonly Request[]
  readonly options: WaitOptions
  readonly wish: Wish
  readonly timeoutMs: number
  readonly context: Context
}

/** Tells of each object that is as wished; returns the names of those that did not become so. */
async function waitUntil(waiting: Waiting): Promise<readonly string[]> {
  const { host, context, timeoutMs, wish } = waiting
  using changes = watchChanges(host.layout)
  const timeout = timeoutSignal(timeoutMs)
  const signal = AbortSignal.any([context.signal, timeout])
  let chosen: ReadonlyMap<string, WireObject> | undefined
  const met = new Set<string>()
  for (;;) {
    const now = look(waiting)
    // What is waited for is what there is at the beginning; only its making can be waited for before that.
    if (chosen === undefined || wish.kind === 'create') chosen = begin(waiting, now)
    for (const [key, object] of chosen) {
      if (met.has(key) || !wish.holds(now.get(key))) continue
      met.add(key)
      tell(object, waiting)
    }
    const left = [...chosen].filter(([key]) => !met.has(key)).map(([, object]) => objectName(object))
    if (left.length === 0 && (wish.kind !== 'create' || chosen.size > 0)) return []
    if (timeoutMs === 0 || !(await changes.next(signal))) {
      if (context.signal.aborted) throw new KubeError('Interrupted', 'interrupted')
      return left.length > 0 ? left : waiting.requests.map(requestName)
    }
  }
}

type Seen = ReadonlyMap<string, WireObject>

/** By name; whether one is gone is asked by uid, since another one may have its name by then. */
function look({ host, requests, options, wish }: Waiting): Seen {
  const { objects } = select(readWorld(host), requests, options)
  return new Map(objects.map(object => [wish.kind === 'delete' ? uidOf(object) : keyOf(object), object]))
}

function uidOf(object: WireObject): string {
  return object.metadata.uid ?? keyOf(object)
}

function keyOf(object: WireObject): string {
  return `${object.metadata.namespace ?? ''}/${objectName(object)}`
}

/** Fails when there is nothing to wait for. */
function begin({ host, requests, options, wish }: Waiting, now: Seen): Seen {
  if (wish.kind !== 'condition') return now
  const { missing } = select(readWorld(host), requests, options)
  if (missing[0]) throw missing[0]
  if (now.size === 0) throw new KubeError('NotFound', 'no matching resources found')
  return now
}

function tell(object: WireObject, { options, context }: Waiting): void {
  const name = `${qualifiedName(object)}/${object.metadata.name}`
  context.io.out(options.output === 'name' ? `${name}\n` : `${name} condition met\n`)
}

function objectName(object: WireObject): string {
  const [singular = '', ...group] = qualifiedName(object).split('.')
  return `${[`${singular}s`, ...group].join('.')}/${object.metadata.name}`
}

function requestName({ kind, name }: Request): string {
  return name === undefined ? qualifiedPlural(kind) : `${qualifiedPlural(kind)}/${name}`
}
