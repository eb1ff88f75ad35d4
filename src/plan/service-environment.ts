/** The variables by which containers find Services. Source: k8s.io/kubernetes/pkg/kubelet/envvars. */
import type { V1Service } from '@kubernetes/client-node'

/**
 * `NAME_SERVICE_HOST`, `NAME_SERVICE_PORT` and the older Docker links, for Services with an address of their own. Those
 * of the pod's namespace, in the order given; a later one of the same name wins.
 */
export function serviceEnvironment(services: readonly V1Service[]): Readonly<Record<string, string>> {
  const variables: Record<string, string> = {}
  for (const service of services) Object.assign(variables, variablesOf(service))
  return variables
}

function variablesOf({ metadata, spec }: V1Service): Readonly<Record<string, string>> {
  const ip = spec?.clusterIP
  const [first] = spec?.ports ?? []
  if (!ip || ip === 'None' || !first) return {}
  const name = variableName(metadata?.name ?? '')
  const host = ip.includes(':') ? `[${ip}]` : ip
  const variables: Record<string, string> = {
    [`${name}_SERVICE_HOST`]: ip,
    [`${name}_SERVICE_PORT`]: String(first.port),
  }
  for (const port of spec?.ports ?? []) {
    if (port.name) variables[`${name}_SERVICE_PORT_${variableName(port.name)}`] = String(port.port)
  }
  for (const [index, port] of (spec?.ports ?? []).entries()) {
    const protocol = (port.protocol ?? 'TCP').toUpperCase()
    const url = `${protocol.toLowerCase()}://${host}:${port.port}`
    const prefix = `${name}_PORT_${port.port}_${protocol}`
    if (index === 0) variables[`${name}_PORT`] = url
    Object.assign(variables, {
      [prefix]: url,
      [`${prefix}_PROTO`]: protocol.toLowerCase(),
      [`${prefix}_PORT`]: String(port.port),
      [`${prefix}_ADDR`]: ip,
    })
  }
  return variables
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_')
}
