/** `kube events`: what happened, as kubectl tells it. Source: kubectl pkg/cmd/events. */
import { KubeError } from '../diagnostic.ts'
import type { EventObject } from '../status/event-object.ts'
import type { WireObject } from '../status/wire.ts'
import type { Context } from './context.ts'
import type { RealHost } from './host.ts'
import { formatObjects, type OutputFormat, objectTable, parseOutput } from './print-objects.ts'
import { parseResources, resourceKind } from './resources.ts'
import { watchChanges } from './watch-changes.ts'
import { readWorld } from './world.ts'

export interface EventsOptions {
  readonly namespace: string
  readonly allNamespaces?: boolean
  readonly for?: string
  readonly types?: string
  readonly watch?: boolean
  readonly output?: string
  readonly headers?: boolean
}

type EventFilter = (event: EventObject) => boolean

export async function runEvents(_args: readonly [], options: EventsOptions, context: Context): Promise<number> {
  const { io } = context
  const format = parseOutput(options.output)
  const isWanted = filterOf(options)
  const host = await context.host()
  const events = read(host).filter(isWanted)
  if (events.length > 0 || format.kind !== 'table') print(events, format, options, context)
  else io.err(options.allNamespaces ? 'No events found.\n' : `No events found in ${options.namespace} namespace.\n`)
  if (options.watch) await follow(host, events, isWanted, { format, options, context })
  return 0
}

function read(host: RealHost): readonly EventObject[] {
  return readWorld(host).list(resourceKind('Event')) as readonly EventObject[]
}

function filterOf(options: EventsOptions): EventFilter {
  const types = options.types?.split(',').map(type => type.toLowerCase())
  const wrong = types?.find(type => type !== 'normal' && type !== 'warning')
  if (wrong !== undefined)
    throw new KubeError('Usage', 'valid --types are Normal or Warning', { exitStatus: 2, hint: `not ${wrong}` })
  const about = options.for === undefined ? undefined : parseResources([options.for])[0]
  if (about !== undefined && about.name === undefined)
    throw new KubeError('Usage', '--for must be in resource/name form', { exitStatus: 2 })
  return ({ metadata, type, involvedObject }) =>
    (options.allNamespaces === true || metadata.namespace === options.namespace) &&
    (types === undefined || types.includes((type ?? '').toLowerCase())) &&
    (about === undefined || (involvedObject.kind === about.kind.kind && involvedObject.name === about.name))
}

function print(
  events: readonly EventObject[],
  format: OutputFormat,
  options: EventsOptions,
  { io }: Context,
  isMore = false,
): void {
  if (format.kind !== 'table' && format.kind !== 'wide') {
    if (!isMore) io.out(formatObjects(format, events as unknown as readonly WireObject[], true))
    else for (const event of events) io.out(formatObjects(format, [event as unknown as WireObject], false))
    return
  }
  io.out(
    objectTable('Event', events as unknown as readonly WireObject[], {
      isWide: format.kind === 'wide',
      withNamespace: options.allNamespaces === true,
      withKind: false,
      withHeader: options.headers !== false && !isMore,
      withLabels: false,
      labelColumns: [],
      nowMs: Date.now(),
    }),
  )
}

interface Printing {
  readonly format: OutputFormat
  readonly options: EventsOptions
  readonly context: Context
}

/** Prints what comes, and what comes again, until the signal. */
async function follow(
  host: RealHost,
  first: readonly EventObject[],
  isWanted: EventFilter,
  { format, options, context }: Printing,
): Promise<void> {
  const seen = new Map(first.map(event => [event.metadata.name, event.count]))
  using changes = watchChanges(host.layout)
  while (await changes.next(context.signal)) {
    const fresh = read(host).filter(event => isWanted(event) && seen.get(event.metadata.name) !== event.count)
    for (const event of fresh) seen.set(event.metadata.name, event.count)
    if (fresh.length > 0) print(fresh, format, options, context, true)
  }
}
