/** The workloads that a command changes: `deployment/web`, `sts db`, `-l app=web`. */
import { KubeError } from '../diagnostic.ts'
import type { ObjectRecord } from '../engine/ports.ts'
import type { WireObject } from '../status/wire.ts'
import type { Context } from './context.ts'
import { type GetOptions, requestsOf, select } from './get.ts'
import type { RealHost } from './host.ts'
import { qualifiedName } from './resources.ts'
import { readWorld } from './world.ts'

export type TargetOptions = Pick<GetOptions, 'namespace' | 'selector' | 'filename'> & { readonly all?: boolean }

export interface Target {
  readonly record: ObjectRecord
  /** `deployment.apps/web`. */
  readonly title: string
}

export interface TargetKinds {
  readonly kinds: readonly string[]
  readonly verb: string
  /** A type without a name means all of that type, as with `kubectl rollout`. Default: it is an error. */
  readonly byType?: boolean
}

/**
 * What the arguments name. Fails with `NotFound`, with `Usage` (exit status 2) when nothing is named, and with
 * `WrongKind` when an object's kind is not among `kinds`.
 */
export async function findTargets(
  resources: readonly string[],
  options: TargetOptions,
  context: Context,
  { kinds, verb, byType = false }: TargetKinds,
): Promise<readonly Target[]> {
  const requests = await requestsOf(resources, options, context)
  const isChosen = requests.some(({ name }) => name !== undefined) || options.selector !== undefined || options.all
  if (!isChosen && !byType)
    throw new KubeError('Usage', 'resource(s) were provided, but no name was specified', {
      exitStatus: 2,
      hint: 'give names, -l SELECTOR or --all',
    })
  const host = await context.host()
  const { objects, missing } = select(readWorld(host), requests, options)
  if (missing[0]) throw missing[0]
  if (objects.length === 0) throw new KubeError('NotFound', `no objects passed to ${verb}`)
  return objects.map(object => {
    if (!kinds.includes(object.kind))
      throw new KubeError('WrongKind', `${qualifiedName(object)}/${object.metadata.name}: ${verb} is not supported`, {
        hint: `it is for ${kinds.map(kind => kind.toLowerCase()).join(', ')}`,
      })
    return { record: recordOf(host, object), title: titleOf(object) }
  })
}

export function titleOf(object: WireObject): string {
  return `${qualifiedName(object)}/${object.metadata.name}`
}

function recordOf(host: RealHost, { kind, metadata }: WireObject): ObjectRecord {
  const record = host.state.objects({ kind, made: true }).find(({ uid }) => uid === metadata.uid)
  if (!record) throw new KubeError('NotFound', `${kind.toLowerCase()} "${metadata.name}" was removed in the meantime`)
  return record
}
