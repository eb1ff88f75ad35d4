/** `kube describe`: one object at length, for people. */
import { printYaml } from '../manifest/print.ts'
import type { PodObject } from '../status/pod-object.ts'
import type { WireObject } from '../status/wire.ts'
import type { Context } from './context.ts'
import { eventsSection } from './describe-events.ts'
import { type Field, layout, mapText, orNone, timeText } from './describe-layout.ts'
import { describePod } from './describe-pod.ts'
import { type GetOptions, select } from './get.ts'
import { findValues } from './jsonpath.ts'
import { renderError, visible } from './render.ts'
import { parseResources } from './resources.ts'
import { readWorld } from './world.ts'

export type DescribeOptions = Pick<GetOptions, 'namespace' | 'allNamespaces' | 'selector'>

export async function runDescribe(
  [resources]: [readonly string[]],
  options: DescribeOptions,
  context: Context,
): Promise<number> {
  const { io } = context
  const requests = parseResources(resources)
  const world = readWorld(await context.host())
  const { objects, missing } = select(world, requests, options)
  const texts = objects.map(object => {
    const { uid } = object.metadata
    return describe(object) + eventsSection(uid === undefined ? [] : world.eventsAbout(uid), Date.now())
  })
  io.out(texts.join('\n\n'))
  for (const error of missing) io.err(renderError(io, error))
  if (objects.length === 0 && missing.length === 0) io.err(`No resources found in ${options.namespace} namespace.\n`)
  return missing.length > 0 ? 1 : 0
}

/** One object in kubectl's layout. Of a Secret only names and sizes. */
export function describe(object: WireObject): string {
  switch (object.kind) {
    case 'Pod':
      return describePod(object as PodObject)
    case 'Secret':
      return layout([...head(object), ['Type', orNone(valueAt(object, 'type'))], ['Data', dataSizes(object, 'data')]])
    case 'ConfigMap':
      return describeConfigMap(object)
    case 'Deployment':
    case 'ReplicaSet':
    case 'ReplicationController':
    case 'StatefulSet':
    case 'DaemonSet':
    case 'Job':
      return describeWorkload(object)
    default: {
      const { apiVersion, kind, metadata: _, ...rest } = object
      return `${layout([...head(object), ['API Version', apiVersion], ['Kind', kind]])}${printYaml(rest)}`
    }
  }
}

function head({ metadata }: WireObject): readonly Field[] {
  const owner = metadata.ownerReferences?.find(reference => reference.controller === true)
  return [
    ['Name', metadata.name],
    ...(metadata.namespace === undefined ? [] : [['Namespace', metadata.namespace] as const]),
    ['CreationTimestamp', timeText(metadata.creationTimestamp)],
    ['Labels', mapText(metadata.labels)],
    ['Annotations', mapText(metadata.annotations, ': ')],
    ...(owner === undefined ? [] : [['Controlled By', `${owner.kind}/${owner.name}`] as const]),
  ]
}

function valueAt(object: object, path: string): string | undefined {
  const [value] = findValues(path, object)
  return value === undefined ? undefined : String(value)
}

/** `password: 7 bytes`. */
function dataSizes(object: object, path: string): string | readonly Field[] {
  const entries = Object.entries((findValues(path, object)[0] ?? {}) as Readonly<Record<string, string>>)
  if (entries.length === 0) return '<none>'
  return entries.map(([key, value]): Field => [key, `${Buffer.byteLength(value, 'base64')} bytes`])
}

function describeConfigMap(object: WireObject): string {
  const data = Object.entries((findValues('data', object)[0] ?? {}) as Readonly<Record<string, string>>)
  const texts = data.map(([key, value]) => `${key}:\n----\n${visible(value)}\n\n`).join('')
  return `${layout(head(object))}\nData\n====\n${texts}\n${layout([['BinaryData', dataSizes(object, 'binaryData')]])}`
}

function describeWorkload(object: WireObject): string {
  const wanted = valueAt(object, 'spec.replicas')
  const ready = valueAt(object, 'status.readyReplicas') ?? valueAt(object, 'status.numberReady') ?? '0'
  const conditions = (findValues('status.conditions[*]', object) as readonly Record<string, string>[]).map(
    ({ type, status, reason }): Field => [type ?? '', `${status}  ${reason ?? ''}`],
  )
  const { template, ...spec } = object.spec as { readonly template?: object }
  const fields: readonly Field[] = [
    ...head(object),
    ['Selector', mapText(findValues('spec.selector.matchLabels', object)[0] as Record<string, string> | undefined)],
    ...(wanted === undefined ? [] : [['Replicas', `${wanted} desired | ${ready} ready`] as const]),
    ...(conditions.length === 0 ? [] : [['Conditions', conditions] as const]),
  ]
  const { selector: _, replicas: __, ...rest } = spec as Record<string, unknown>
  return `${layout(fields)}${printYaml({ Spec: rest, 'Pod Template': template })}`
}
