/** What flags of `kube play` change about the objects before they are planned. Pure. */
import type { V1ContainerPort, V1ObjectMeta, V1PodSpec } from '@kubernetes/client-node'
import { KubeError } from '../diagnostic.ts'
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
}

interface Template {
  readonly metadata?: V1ObjectMeta
  readonly spec?: V1PodSpec
}

/** The objects as the flags want them. Fails with exit status 2 for a flag that cannot be read. */
export function withFlags(objects: readonly ManifestObject[], flags: PlayFlags): readonly ManifestObject[] {
  const annotations = Object.fromEntries((flags.annotation ?? []).map(parseAnnotation))
  const published = (flags.publish ?? []).map(parsePublish)
  if (Object.keys(annotations).length === 0 && published.length === 0 && !flags.publishAll) return objects
  const used = new Set<Published>()
  const edited = objects.map(object =>
    changeTemplate(object, template => withPorts(annotated(template, annotations), published, flags, used)),
  )
  const unused = published.find(publish => !used.has(publish))
  if (unused) {
    throw new KubeError('Usage', `--publish: no container has port ${unused.containerPort}/${unused.protocol}`, {
      exitStatus: 2,
      hint: 'add it to the ports of a container',
    })
  }
  return edited
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

function withPorts(
  template: Template,
  published: readonly Published[],
  { publishAll }: PlayFlags,
  used: Set<Published>,
): Template {
  const { spec } = template
  if (!spec || (published.length === 0 && !publishAll)) return template
  const portOf = (port: V1ContainerPort): V1ContainerPort => {
    const protocol = port.protocol ?? 'TCP'
    const match = published.find(one => one.containerPort === port.containerPort && one.protocol === protocol)
    if (match) {
      used.add(match)
      return { ...port, hostPort: match.hostPort, ...(match.hostIP === undefined ? {} : { hostIP: match.hostIP }) }
    }
    return publishAll && port.hostPort === undefined ? { ...port, hostPort: port.containerPort } : port
  }
  const containers = spec.containers.map(container =>
    container.ports ? { ...container, ports: container.ports.map(portOf) } : container,
  )
  return { ...template, spec: { ...spec, containers } }
}

const PUBLISH = /^(?:(?:(\[[0-9a-fA-F:]+\]|[\d.]+):)?(\d*):)?(\d+)(?:\/(tcp|udp|sctp))?$/i

function parsePublish(text: string): Published {
  const [, ip, host = '', port = '', protocol = 'tcp'] = PUBLISH.exec(text) ?? []
  const containerPort = Number(port)
  const hostPort = host === '' ? containerPort : Number(host)
  if (port === '' || containerPort > 65_535 || hostPort > 65_535 || containerPort === 0 || hostPort === 0) {
    throw new KubeError('Usage', `--publish: not a port: ${text}`, {
      exitStatus: 2,
      hint: '[[ip:][hostPort]:]containerPort[/protocol], such as 8080:80 or 127.0.0.1:5353:53/udp',
    })
  }
  const hostIP = ip?.replace(/[[\]]/g, '')
  return { hostPort, containerPort, protocol: protocol.toUpperCase(), ...(hostIP === undefined ? {} : { hostIP }) }
}

function parseAnnotation(text: string): readonly [string, string] {
  const at = text.indexOf('=')
  if (at <= 0) throw new KubeError('Usage', `--annotation: not NAME=VALUE: ${text}`, { exitStatus: 2 })
  return [text.slice(0, at), text.slice(at + 1)]
}
