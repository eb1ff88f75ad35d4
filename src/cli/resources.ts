/** Resource names as kubectl takes them: `pods`, `po`, `deployment/web`, `deploy,svc`, `all`. */
import { KubeError } from '../diagnostic.ts'
import { knownKinds } from '../manifest/kinds.ts'

/** A kind that can be looked at. */
export interface ResourceKind {
  readonly kind: string
  readonly apiVersion: string
  readonly plural: string
  readonly shortNames: readonly string[]
  readonly namespaced: boolean
}

/** One thing asked for: a kind, with or without a name. */
export interface ResourceRequest {
  readonly kind: ResourceKind
  /** Absent: all of the kind. */
  readonly name?: string
}

/** Not written by anybody: the machine itself. */
const NODE: ResourceKind = { kind: 'Node', apiVersion: 'v1', plural: 'nodes', shortNames: ['no'], namespaced: false }

/** Not written by anybody either: what happened. */
const EVENT: ResourceKind = {
  kind: 'Event',
  apiVersion: 'v1',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
}

/** What `all` means. Source: kubectl, the `all` category. */
const ALL = ['Pod', 'Service', 'DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet', 'Job', 'CronJob']

/** Every kind, each once: where two versions are known, the newer one. */
export const resourceKinds: readonly ResourceKind[] = [
  ...new Map([...knownKinds, NODE, EVENT].map(info => [info.kind, info] as const)).values(),
]

export function resourceKind(kind: string): ResourceKind {
  return resourceKinds.find(info => info.kind === kind)!
}

/** `deployments.apps`, as messages name a kind; the group only where there is one. */
export function qualifiedPlural({ plural, apiVersion }: ResourceKind): string {
  return apiVersion.includes('/') ? `${plural}.${apiVersion.split('/')[0]}` : plural
}

/** `deployment.apps/web`, as `-o name` prints. */
export function qualifiedName({ kind, apiVersion }: { readonly kind: string; readonly apiVersion: string }): string {
  const singular = kind.toLowerCase()
  return apiVersion.includes('/') ? `${singular}.${apiVersion.split('/')[0]}` : singular
}

/** By singular, plural, kind or short name in any case, with or without version and group. */
export function findResourceKind(text: string): ResourceKind | undefined {
  const [word = '', ...group] = text.toLowerCase().split('.')
  const found = resourceKinds.find(
    info => info.plural === word || info.kind.toLowerCase() === word || info.shortNames.includes(word),
  )
  if (!found || group.length === 0) return found
  const wanted = group.join('.')
  const [own = '', version = ''] = found.apiVersion.includes('/') ? found.apiVersion.split('/') : ['', found.apiVersion]
  return [own, `${version}.${own}`, version].includes(wanted) ? found : undefined
}

/**
 * `TYPE[,TYPE...] [NAME...]` or `TYPE/NAME...`. Fails with code `UnknownResource` or `Usage`.
 * The kinds of `all` are several requests without a name.
 */
export function parseResources(args: readonly string[]): readonly ResourceRequest[] {
  const [first, ...rest] = args
  if (first === undefined) {
    throw new KubeError('Usage', 'you must specify the type of resource', {
      exitStatus: 2,
      hint: 'for example pods, deployments, configmaps, or all',
    })
  }
  if (args.some(text => text.includes('/'))) return args.map(parsePair)
  const kinds = first.split(',').flatMap(kindsOf)
  if (rest.length === 0) return kinds.map(kind => ({ kind }))
  return kinds.flatMap(kind => rest.map(name => ({ kind, name })))
}

function parsePair(text: string): ResourceRequest {
  const [type = '', name = '', more] = text.split('/')
  if (type === '' || name === '' || more !== undefined) {
    throw new KubeError('Usage', `arguments in resource/name form must have a single resource and name: ${text}`, {
      exitStatus: 2,
    })
  }
  return { kind: requireKind(type), name }
}

function kindsOf(text: string): readonly ResourceKind[] {
  return text === 'all' ? ALL.map(resourceKind) : [requireKind(text)]
}

export function requireKind(text: string): ResourceKind {
  const kind = findResourceKind(text)
  if (kind) return kind
  throw new KubeError('UnknownResource', `there is no resource type ${JSON.stringify(text)}`, {
    hint: `known types: ${resourceKinds.map(info => info.plural).join(', ')}`,
  })
}

/** The API server's words for an object that is not there. */
export function notFound(kind: ResourceKind, name: string): KubeError {
  return new KubeError('NotFound', `Error from server (NotFound): ${qualifiedPlural(kind)} "${name}" not found`)
}
