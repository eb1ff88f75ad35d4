/** What `kube port-forward` is told: `8080:80`, `80`, `:80`, `web:http`. Pure. Source: kubectl pkg/cmd/portforward. */
import type { V1Service } from '@kubernetes/client-node'
import { KubeError } from '../diagnostic.ts'
import type { PodPlan } from '../plan/types.ts'

export interface ForwardedPort {
  /** 0: any that is free. */
  readonly local: number
  /** Of the pod. */
  readonly remote: number
}

/** A remote port is a number or a name: of a Service where one is given, else of a container. Fails with exit status 2. */
export function forwardedPorts(
  texts: readonly string[],
  plan: PodPlan,
  service?: Pick<V1Service, 'spec' | 'metadata'>,
): readonly ForwardedPort[] {
  return texts.map(text => {
    const [local, remote = local ?? ''] = text.split(':')
    if (text.split(':').length > 2 || remote === '')
      throw wrong(`invalid port format '${text}'`, 'LOCAL:REMOTE, REMOTE, or :REMOTE for any local port')
    const outside = service ? servicePort(service, remote) : undefined
    const inside = outside ? targetPort(outside, plan, service) : podPort(plan, remote)
    requireTcp(plan, inside)
    const same = local === remote
    return { local: same ? (outside?.port ?? inside) : localPort(local ?? ''), remote: inside }
  })
}

type ServicePort = NonNullable<NonNullable<V1Service['spec']>['ports']>[number]

const MAX_PORT = 65_535

function wrong(message: string, hint: string): KubeError {
  return new KubeError('Usage', message, { exitStatus: 2, hint })
}

function localPort(text: string): number {
  if (text === '') return 0
  if (/^\d+$/.test(text) && Number(text) <= MAX_PORT) return Number(text)
  throw wrong(`not a local port: ${text}`, `a number up to ${MAX_PORT}`)
}

function podPort(plan: PodPlan, text: string): number {
  if (/^\d+$/.test(text)) {
    if (Number(text) >= 1 && Number(text) <= MAX_PORT) return Number(text)
    throw wrong(`not a port: ${text}`, `a number from 1 to ${MAX_PORT}`)
  }
  const ports = portsOf(plan)
  const found = ports.find(({ name }) => name === text)
  if (found) return found.containerPort
  const names = ports.flatMap(({ name }) => name ?? [])
  throw wrong(
    `pod ${plan.name} has no port named ${text}`,
    names.length === 0 ? 'its ports have no names: give a number' : `ports: ${names.join(', ')}`,
  )
}

function portsOf(plan: PodPlan) {
  return plan.members.flatMap(({ container }) => container.ports ?? [])
}

/** A port that is declared for another protocol alone. */
function requireTcp(plan: PodPlan, port: number): void {
  const protocols = portsOf(plan)
    .filter(({ containerPort }) => containerPort === port)
    .map(({ protocol = 'TCP' }) => protocol)
  if (protocols.length > 0 && !protocols.includes('TCP'))
    throw wrong(`${protocols[0]} protocol is not supported for ${port}`, 'a hostPort publishes it')
}

function servicePort({ spec, metadata }: Pick<V1Service, 'spec' | 'metadata'>, text: string): ServicePort {
  const ports = spec?.ports ?? []
  const found = ports.find(({ name, port }) => (/^\d+$/.test(text) ? port === Number(text) : name === text))
  if (found) return found
  throw wrong(
    `Service ${metadata?.name} does not have a service port ${text}`,
    `ports: ${ports.map(({ name, port }) => (name === undefined ? port : `${port} (${name})`)).join(', ')}`,
  )
}

/** Clients of a headless Service reach its pods at the Service's own numbers. */
function targetPort({ port, targetPort }: ServicePort, plan: PodPlan, service?: Pick<V1Service, 'spec'>): number {
  if (service?.spec?.clusterIP === 'None') return port
  return targetPort === undefined || targetPort === 0 ? port : podPort(plan, String(targetPort))
}
