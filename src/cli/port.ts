/** `kube port`: where the ports of pods are reached on this machine. */
import { KubeError } from '../diagnostic.ts'
import type { Context } from './context.ts'
import { findPods } from './find-pod.ts'

export interface PortOptions {
  readonly namespace: string
  readonly all?: boolean
  readonly output?: string
}

/** `80/tcp -> 0.0.0.0:8080`, with the pod's name before it where there are several; with a port only its addresses. */
export async function runPort(
  [target, wanted]: [string | undefined, string | undefined],
  options: PortOptions,
  { io, host: openHost }: Context,
): Promise<number> {
  const host = await openHost()
  if (target === undefined && !options.all) {
    throw new KubeError('Usage', 'no pod is named', { exitStatus: 2, hint: 'POD, WORKLOAD/NAME or --all' })
  }
  const pods = target === undefined ? host.state.pods() : findPods(host, target, options.namespace)
  const [number, protocol = 'tcp'] = (wanted ?? '').split('/')
  const rows = pods.flatMap(({ plan }) =>
    plan.ports.map(port => ({
      namespace: plan.namespace,
      pod: plan.name,
      container: port.container,
      containerPort: port.containerPort,
      protocol: port.protocol.toLowerCase(),
      hostIP: port.hostIp === '' ? '0.0.0.0' : port.hostIp,
      hostPort: port.hostPort,
    })),
  )
  const shown = rows.filter(
    row => wanted === undefined || (String(row.containerPort) === number && row.protocol === protocol.toLowerCase()),
  )
  if (options.output === 'json') {
    io.out(`${JSON.stringify(shown, undefined, 2)}\n`)
    return 0
  }
  for (const { pod, containerPort, protocol: kind, hostIP, hostPort } of shown) {
    const address = `${hostIP.includes(':') ? `[${hostIP}]` : hostIP}:${hostPort}`
    const name = pods.length > 1 ? `${pod} ` : ''
    io.out(wanted === undefined ? `${name}${containerPort}/${kind} -> ${address}\n` : `${name}${address}\n`)
  }
  if (wanted !== undefined && shown.length === 0)
    throw new KubeError('NotPublished', `port ${wanted} is not published on this machine`)
  return 0
}
