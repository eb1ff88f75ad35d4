/** `kube get`: objects with their status, as kubectl shows them. */
import { KubeError } from '../diagnostic.ts'
import { fieldFilter, labelFilter } from '../status/selector.ts'
import type { WireObject } from '../status/wire.ts'
import type { Context } from './context.ts'
import type { RealHost } from './host.ts'
import { findValues } from './jsonpath.ts'
import { readObjects } from './load-manifests.ts'
import { formatObjects, type OutputFormat, objectTable, parseOutput } from './print-objects.ts'
import { renderError } from './render.ts'
import { parseResources, type ResourceKind, type ResourceRequest, requireKind } from './resources.ts'
import { compareValues } from './sort-values.ts'
import { watchChanges } from './watch-changes.ts'
import { readWorld, type World } from './world.ts'

export interface GetOptions {
  readonly namespace: string
  readonly allNamespaces?: boolean
  readonly selector?: string
  readonly fieldSelector?: string
  readonly filename?: readonly string[]
  readonly output?: string
  /** Of `-o go-template` or `-o jsonpath`, where it is not given with it. */
  readonly template?: string
  readonly headers?: boolean
  readonly showLabels?: boolean
  readonly labelColumns?: string
  readonly sortBy?: string
  readonly ignoreNotFound?: boolean
  readonly watch?: boolean
  /** Only what changes. */
  readonly watchOnly?: boolean
}

export async function runGet([resources]: [readonly string[]], options: GetOptions, context: Context): Promise<number> {
  const { io } = context
  const format = parseOutput(withTemplate(options))
  const requests = await requestsOf(resources, options, context)
  const host = await context.host()
  const found = select(readWorld(host), requests, options)
  const objects = sorted(found.objects, options.sortBy)
  const single = requests.length === 1 && requests[0]!.name !== undefined
  if (!options.watchOnly && (objects.length > 0 || !single))
    print(objects, format, { single, requests, options, context })
  for (const error of found.missing) {
    if (!options.ignoreNotFound) io.err(renderError(io, error))
  }
  if (options.watch || options.watchOnly)
    await follow(host, objects, format, { single: true, requests, options, context })
  return found.missing.length > 0 && !options.ignoreNotFound ? 1 : 0
}

/** `--template` is a Go template unless `-o` says another language. Source: kubectl get --help. */
function withTemplate({ output, template }: GetOptions): string | undefined {
  if (template === undefined || output?.includes('=')) return output
  return `${output ?? 'go-template'}=${template}`
}

/** Prints each object again that has changed, until the signal. */
async function follow(
  host: RealHost,
  first: readonly WireObject[],
  format: OutputFormat,
  printing: Printing,
): Promise<void> {
  const { requests, options, context } = printing
  const textOf = (objects: readonly WireObject[]) =>
    new Map(objects.map(object => [object.metadata.uid ?? object.metadata.name, JSON.stringify(object)]))
  let before = textOf(first)
  let isHeaded = first.length > 0 && !options.watchOnly
  using changes = watchChanges(host.layout)
  while (await changes.next(context.signal)) {
    const { objects } = select(readWorld(host), requests, options)
    const now = textOf(objects)
    const changed = objects.filter(({ metadata }) => {
      const key = metadata.uid ?? metadata.name
      return before.get(key) !== now.get(key)
    })
    before = now
    if (changed.length === 0) continue
    if (format.kind === 'table' || format.kind === 'wide') {
      const headers = options.headers !== false && !isHeaded
      const isShown = (object: WireObject) => changed.includes(object)
      printTables(objects, format.kind === 'wide', { ...printing, options: { ...options, headers }, isShown })
      isHeaded = true
    } else
      for (const object of changed) print([object], format, { ...printing, options: { ...options, headers: false } })
  }
}

/** What the arguments name, or with `-f` what the manifests do. */
export async function requestsOf(
  resources: readonly string[],
  options: Pick<GetOptions, 'namespace' | 'filename'>,
  context: Context,
): Promise<readonly Request[]> {
  if (options.filename === undefined) return parseResources(resources)
  const { objects } = await readObjects(options.filename, { namespace: options.namespace, skipUnknown: true }, context)
  return objects.map(({ kind, name, namespace }) => ({ kind: requireKind(kind), name, namespace }))
}

export type Request = ResourceRequest & { readonly namespace?: string }

interface Selected {
  readonly objects: readonly WireObject[]
  readonly missing: readonly KubeError[]
}

/** What the requests name, in their order; of what is not there, the errors. */
export function select(
  world: World,
  requests: readonly Request[],
  options: Pick<GetOptions, 'namespace' | 'allNamespaces' | 'selector' | 'fieldSelector'>,
): Selected {
  const hasName = requests.some(request => request.name !== undefined)
  if (hasName && options.selector !== undefined)
    throw new KubeError('Usage', 'a name and a selector cannot be given together', { exitStatus: 2 })
  if (hasName && options.allNamespaces)
    throw new KubeError('Usage', 'a resource cannot be retrieved by name across all namespaces', { exitStatus: 2 })
  const byLabel = labelFilter(options.selector ?? '')
  const objects: WireObject[] = []
  const missing: KubeError[] = []
  for (const { kind, name, namespace } of requests) {
    if (name === undefined) {
      const byField = fieldFilter(options.fieldSelector ?? '', kind.kind)
      const all = world.list(kind).filter(object => inNamespace(object, kind, options))
      objects.push(...all.filter(object => byLabel(object) && byField(object)))
      continue
    }
    try {
      objects.push(world.get(kind, namespace ?? options.namespace, name))
    } catch (error) {
      if (!(error instanceof KubeError) || error.code !== 'NotFound') throw error
      missing.push(error)
    }
  }
  return { objects, missing }
}

function inNamespace(
  object: WireObject,
  kind: ResourceKind,
  options: Pick<GetOptions, 'namespace' | 'allNamespaces'>,
): boolean {
  return !kind.namespaced || options.allNamespaces === true || object.metadata.namespace === options.namespace
}

/** By the value at a path. */
function sorted(objects: readonly WireObject[], path: string | undefined): readonly WireObject[] {
  if (path === undefined) return objects
  const keyed = objects.map(object => ({ object, key: findValues(path, object)[0] }))
  if (keyed.length > 0 && keyed.every(({ key }) => key === undefined))
    throw new KubeError('Usage', `couldn't find any field with path "${path}" in the list of objects`)
  return keyed.toSorted((a, b) => compareValues(a.key, b.key)).map(({ object }) => object)
}

interface Printing {
  readonly single: boolean
  readonly requests: readonly ResourceRequest[]
  readonly options: GetOptions
  readonly context: Context
  readonly isShown?: (object: WireObject) => boolean
}

function print(objects: readonly WireObject[], format: OutputFormat, printing: Printing): void {
  const { single, options, context } = printing
  if (format.kind === 'table' || format.kind === 'wide') printTables(objects, format.kind === 'wide', printing)
  else if (format.kind === 'columns' && options.headers === false)
    context.io.out(formatObjects(format, objects, !single).split('\n').slice(1).join('\n'))
  else context.io.out(formatObjects(format, objects, !single))
}

/** A table for each kind, blank lines between them. */
function printTables(objects: readonly WireObject[], isWide: boolean, printing: Printing): void {
  const { requests, options, context, isShown } = printing
  const { io } = context
  const kinds = [...new Set(requests.map(request => request.kind))]
  const tables = kinds
    .map(({ kind, namespaced }) => ({ kind, namespaced, rows: objects.filter(object => object.kind === kind) }))
    .filter(({ rows }) => (isShown ? rows.some(isShown) : rows.length > 0))
    .map(({ kind, namespaced, rows }) =>
      objectTable(kind, rows, {
        isWide,
        withNamespace: options.allNamespaces === true && namespaced,
        withKind: kinds.length > 1,
        withHeader: options.headers !== false,
        withLabels: options.showLabels === true,
        labelColumns: (options.labelColumns ?? '').split(',').filter(label => label !== ''),
        nowMs: Date.now(),
        ...(isShown === undefined ? {} : { isShown }),
      }),
    )
  if (tables.length > 0) io.out(tables.join('\n'))
  else if (requests.every(request => request.name === undefined)) {
    const isGlobal = options.allNamespaces === true || kinds.every(kind => !kind.namespaced)
    io.err(isGlobal ? 'No resources found\n' : `No resources found in ${options.namespace} namespace.\n`)
  }
}
