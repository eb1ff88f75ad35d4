/** What flags of `kube play` change about the objects before they are planned. Pure. */
import type { V1ContainerPort, V1ObjectMeta, V1PodSpec } from '@kubernetes/client-node'
import { KubeError } from '../diagnostic.ts'
import { checkQualifiedName } from '../manifest/rules/names.ts'
import type { ManifestObject } from '../manifest/types.ts'

export interface PlayFlags {
  /** `NAME=VALUE`, of every pod. */
  readonly annotation?: readonly string[]
  /** `[[ip:][hostPort]:]containerPort[/protocol]`. */
  readonly publish?: readonly string[]
  /** Every containerPort gets the same port of the machine. */
  readonly publishAll?: boolean
  /** More manifests, of ConfigMaps. */
  readonly configmap?: readonly string[]
  /** `host`: the network of the machine itself. */
  readonly network?: string
  /** The same by podman's other name. */
  readonly net?: string
  /** `auto`: a user namespace for each pod. */
  readonly userns?: string
}

interface Template {
  readonly metadata?: V1ObjectMeta
  readonly spec?: V1PodSpec
}

/** The objects as the flags want them. Fails with exit status 2 for a flag that cannot be read. */
export function withFlags(objects: readonly ManifestObject[], flags: PlayFlags): readonly ManifestObject[] {
  const stray = objects.find(({ kind, file }) => kind !== 'ConfigMap' && flags.configmap?.includes(file))
  if (stray)
    throw new KubeError('Usage', `--configmap: ${stray.file} holds a ${stray.kind}`, {
      exitStatus: 2,
      hint: 'name it as a manifest of its own, without the flag',
    })
  const annotations = Object.fromEntries((flags.annotation ?? []).map(parseAnnotation))
  const published = (flags.publish ?? []).flatMap(parsePublish)
  const namespaces = namespacesOf(flags)
  const isPlain = Object.keys(annotations).length + published.length + Object.keys(namespaces).length === 0
  if (isPlain && !flags.publishAll) return objects
  const templates: Template[] = []
  for (const object of objects) changeTemplate(object, template => templates[templates.push(template) - 1] as Template)
  const unlisted = published.filter(publish => !templates.some(template => lists(template, publish)))
  const [first] = unlisted
  if (first && templates.length !== 1) {
    throw new KubeError('Usage', `--publish: no container has port ${first.containerPort}/${first.protocol}`, {
      exitStatus: 2,
      hint: 'add it to the ports of the container that is meant: the manifest is not of one pod alone',
    })
  }
  return objects.map(object =>
    changeTemplate(object, template =>
      withUnlisted(withPorts(withSpec(annotated(template, annotations), namespaces), published, flags), unlisted),
    ),
  )
}

/** What podman's `--network` and `--userns` come to. */
function namespacesOf({ network, net, userns }: PlayFlags): Pick<V1PodSpec, 'hostNetwork' | 'hostUsers'> {
  const mode = network ?? net ?? 'bridge'
  if (mode !== 'host' && mode !== 'bridge') {
    throw new KubeError('Usage', `--network: there is one network, which all pods share, not ${mode}`, {
      exitStatus: 2,
      hint: "leave it out, or use host for the machine's own",
    })
  }
  const hostUsers = userns === undefined ? undefined : USER_MODES[userns]
  if (userns !== undefined && hostUsers === undefined) {
    throw new KubeError('Usage', `--userns: ${userns} is not supported`, {
      exitStatus: 2,
      hint: 'auto gives each pod a user namespace, host gives none',
    })
  }
  return { ...(mode === 'host' ? { hostNetwork: true } : {}), ...(hostUsers === undefined ? {} : { hostUsers }) }
}

/** Whether the pod has the machine's users. Source: podman-kube-play(1), --userns. */
const USER_MODES: Readonly<Record<string, boolean>> = { '': true, host: true, auto: false, private: false }

function withSpec(template: Template, change: Partial<V1PodSpec>): Template {
  return template.spec ? { ...template, spec: { ...template.spec, ...change } } : template
}

/** The pod template of an object of any kind that has one. */
function changeTemplate(object: ManifestObject, change: (template: Template) => Template): ManifestObject {
  const { value } = object
  const changed = changeIn(value as unknown as Nested, object.kind, change)
  return changed === undefined ? object : { ...object, value: changed as unknown as typeof value }
}

interface Nested {
  readonly spec?: Readonly<Record<string, unknown>>
}

function changeIn(value: Nested, kind: string, change: (template: Template) => Template): Nested | undefined {
  if (kind === 'Pod') return { ...value, ...(change(value as object as Template) as object as Nested) }
  const { spec } = value
  if (kind === 'CronJob' && spec?.jobTemplate) {
    const job = changeIn(spec.jobTemplate as Nested, 'Job', change)
    return job && { ...value, spec: { ...spec, jobTemplate: job } }
  }
  return spec?.template ? { ...value, spec: { ...spec, template: change(spec.template as Template) } } : undefined
}

function annotated(template: Template, annotations: Readonly<Record<string, string>>): Template {
  const { metadata } = template
  return { ...template, metadata: { ...metadata, annotations: { ...metadata?.annotations, ...annotations } } }
}

interface Published {
  readonly hostIP?: string
  readonly hostPort: number
  readonly containerPort: number
  readonly protocol: string
}

function isFor(publish: Published, port: V1ContainerPort): boolean {
  return publish.containerPort === port.containerPort && publish.protocol === (port.protocol ?? 'TCP')
}

function lists({ spec }: Template, publish: Published): boolean {
  return spec?.containers.some(({ ports }) => ports?.some(port => isFor(publish, port))) === true
}

/** A port that is published twice is listed twice. */
function withPorts(template: Template, published: readonly Published[], { publishAll }: PlayFlags): Template {
  const { spec } = template
  if (!spec || (published.length === 0 && !publishAll)) return template
  const portsOf = (port: V1ContainerPort): readonly V1ContainerPort[] => {
    const matches = published.filter(publish => isFor(publish, port))
    if (matches.length > 0) return matches.map(match => ({ ...port, ...hostOf(match) }))
    return [publishAll && port.hostPort === undefined ? { ...port, hostPort: port.containerPort } : port]
  }
  const containers = spec.containers.map(container =>
    container.ports ? { ...container, ports: container.ports.flatMap(portsOf) } : container,
  )
  return { ...template, spec: { ...spec, containers } }
}

/** A pod's containers share its ports: those that none of them lists are the first one's, as podman has it. */
function withUnlisted(template: Template, unlisted: readonly Published[]): Template {
  const { spec } = template
  const [first, ...others] = spec?.containers ?? []
  if (!spec || !first || unlisted.length === 0) return template
  const added = unlisted.map(publish => ({
    containerPort: publish.containerPort,
    protocol: publish.protocol,
    ...hostOf(publish),
  }))
  return {
    ...template,
    spec: { ...spec, containers: [{ ...first, ports: [...(first.ports ?? []), ...added] }, ...others] },
  }
}

function hostOf({ hostPort, hostIP }: Published): Pick<V1ContainerPort, 'hostPort' | 'hostIP'> {
  return { hostPort, ...(hostIP === undefined ? {} : { hostIP }) }
}

const PUBLISH = /^(?:(?:(\[[0-9a-fA-F:]+\]|[\d.]+):)?(\d*(?:-\d+)?):)?(\d+(?:-\d+)?)(?:\/(tcp|udp|sctp))?$/i

/** A range is so many single ports. */
function parsePublish(text: string): readonly Published[] {
  const [, ip, host = '', port = '', protocol = 'tcp'] = PUBLISH.exec(text) ?? []
  const inside = portsOf(port)
  const outside = host === '' ? inside : portsOf(host)
  if (inside.length === 0 || inside.length !== outside.length) {
    throw new KubeError('Usage', `--publish: not a port: ${text}`, {
      exitStatus: 2,
      hint: '[[ip:][hostPort]:]containerPort[/protocol], such as 8080:80, 127.0.0.1:5353:53/udp or 8000-8009:8000-8009',
    })
  }
  const hostIP = ip?.replace(/[[\]]/g, '')
  return inside.map((containerPort, index) => ({
    hostPort: outside[index]!,
    containerPort,
    protocol: protocol.toUpperCase(),
    ...(hostIP === undefined ? {} : { hostIP }),
  }))
}

const MAX_PORT = 65_535

/** `8000-8002`; none for what is no range of ports. */
function portsOf(text: string): readonly number[] {
  const [first = 0, last = first] = text.split('-').map(Number)
  if (text === '' || first < 1 || last < first || last > MAX_PORT) return []
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

function parseAnnotation(text: string): readonly [string, string] {
  const at = text.indexOf('=')
  if (at <= 0) throw new KubeError('Usage', `--annotation: not NAME=VALUE: ${text}`, { exitStatus: 2 })
  const name = text.slice(0, at)
  const [wrong] = checkQualifiedName(name.toLowerCase())
  if (wrong) throw new KubeError('Usage', `--annotation: ${JSON.stringify(name)}: ${wrong}`, { exitStatus: 2 })
  return [name, text.slice(at + 1)]
}
