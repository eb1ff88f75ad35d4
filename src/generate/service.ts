/** A Service for a pod or workload, from the ports that its containers declare. */
import type { V1Container, V1Service, V1ServicePort } from '@kubernetes/client-node'
import type { KubernetesObject } from '../manifest/types.ts'
import { podTemplateOf, withPodTemplate } from './pod-spec.ts'

export interface WithService {
  readonly service: KubernetesObject
  /** The object, with a label for the Service to find its pods by where it had none. */
  readonly object: KubernetesObject
}

/** Longest name of a Service. Source: RFC 1035 labels. */
const NAME_LENGTH = 63

/** Undefined for an object without pods. Without any port the Service is headless: a name for the pods' addresses. */
export function serviceFor(object: KubernetesObject): WithService | undefined {
  const template = podTemplateOf(object)
  if (!template) return undefined
  const name = object.metadata.name ?? ''
  const given = template.metadata?.labels ?? {}
  const labels = Object.keys(given).length > 0 ? given : { app: name }
  const sidecars = (template.spec?.initContainers ?? []).filter(container => container.restartPolicy === 'Always')
  const ports = servicePorts([...sidecars, ...(template.spec?.containers ?? [])])
  const { namespace } = object.metadata
  const service: V1Service & KubernetesObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: serviceName(name), ...(namespace === undefined ? {} : { namespace }), labels },
    spec: ports.length === 0 ? { clusterIP: 'None', selector: labels } : { selector: labels, ports: [...ports] },
  }
  return { service, object: labels === given ? object : withTemplateLabels(object, labels) }
}

function servicePorts(containers: readonly V1Container[]): readonly V1ServicePort[] {
  const ports = new Map<string, { port: number; protocol: string; name?: string }>()
  for (const { containerPort, protocol = 'TCP', name } of containers.flatMap(container => container.ports ?? [])) {
    const key = `${containerPort}/${protocol}`
    if (!ports.has(key)) ports.set(key, { port: containerPort, protocol, ...(name === undefined ? {} : { name }) })
  }
  const taken = new Set<string>()
  const isSingle = ports.size === 1
  return [...ports.values()].map(({ port, protocol, name }) => {
    // One port needs no name; several need different ones.
    let chosen = name ?? (isSingle ? undefined : `${protocol.toLowerCase()}-${port}`)
    if (chosen !== undefined && taken.has(chosen)) chosen = `${chosen}-${port}`
    if (chosen !== undefined) taken.add(chosen)
    return { ...(chosen === undefined ? {} : { name: chosen }), port, protocol, targetPort: port }
  })
}

/** A Service's name is an RFC 1035 label: no dots, a letter first. */
function serviceName(name: string): string {
  const label = name.replace(/[^a-z0-9-]/g, '-')
  const full = /^[a-z]/.test(label) ? label : `svc-${label}`
  return full.slice(0, NAME_LENGTH).replace(/-+$/, '')
}

function withTemplateLabels(object: KubernetesObject, labels: Record<string, string>): KubernetesObject {
  const template = podTemplateOf(object)
  return withPodTemplate(object, { ...template, metadata: { ...template?.metadata, labels } })
}
