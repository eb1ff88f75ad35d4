/** A container as `kubectl describe` shows it. Source: kubectl pkg/describe/describe.go. Never a Secret's value. */
import type { V1Container, V1EnvVar, V1LifecycleHandler, V1Probe, V1VolumeMount } from '@kubernetes/client-node'
import type { WireContainerStatus } from '../status/container-status.ts'
import { type Field, orNone, timeText } from './describe-layout.ts'

export function containerFields(container: V1Container, status: WireContainerStatus | undefined): readonly Field[] {
  const ports = (container.ports ?? []).map(port => `${port.containerPort}/${port.protocol ?? 'TCP'}`)
  const hostPorts = (container.ports ?? []).map(port => `${port.hostPort ?? 0}/${port.protocol ?? 'TCP'}`)
  const plural = ports.length > 1 ? 's' : ''
  return [
    ['Container ID', status?.containerID ?? ''],
    ['Image', container.image ?? ''],
    ['Image ID', status?.imageID ?? ''],
    [`Port${plural}`, orNone(ports.join(', '))],
    [`Host Port${plural}`, orNone(hostPorts.join(', '))],
    ...words('Command', container.command),
    ...words('Args', container.args),
    ...stateFields('State', status?.state),
    ...(status?.lastState?.terminated ? stateFields('Last State', status.lastState) : []),
    ['Ready', status?.ready ? 'True' : 'False'],
    ['Restart Count', String(status?.restartCount ?? 0)],
    ...amounts('Limits', container.resources?.limits),
    ...amounts('Requests', container.resources?.requests),
    ...probe('Liveness', container.livenessProbe),
    ...probe('Readiness', container.readinessProbe),
    ...probe('Startup', container.startupProbe),
    ...envFrom(container),
    ...list('Environment', (container.env ?? []).map(variable)),
    ...list('Mounts', (container.volumeMounts ?? []).map(mount)),
  ]
}

function words(name: string, lines: readonly string[] | undefined): readonly Field[] {
  return lines === undefined ? [] : [[name, lines.flatMap(line => line.split('\n'))]]
}

function list(name: string, lines: readonly Field[]): readonly Field[] {
  return [lines.length === 0 ? [name, '<none>'] : [name, lines]]
}

function stateFields(name: string, state: WireContainerStatus['state']): readonly Field[] {
  const { running, terminated, waiting } = state ?? {}
  if (running)
    return [
      [name, 'Running'],
      ['  Started', timeText(running.startedAt)],
    ]
  if (terminated) {
    return [
      [name, 'Terminated'],
      ...(terminated.reason ? [['  Reason', terminated.reason] as const] : []),
      ...(terminated.message ? [['  Message', terminated.message.trimEnd()] as const] : []),
      ['  Exit Code', String(terminated.exitCode)],
      ['  Started', timeText(terminated.startedAt)],
      ['  Finished', timeText(terminated.finishedAt)],
    ]
  }
  return [
    [name, 'Waiting'],
    ...(waiting?.reason ? [['  Reason', waiting.reason] as const] : []),
    ...(waiting?.message ? [['  Message', waiting.message] as const] : []),
  ]
}

function amounts(name: string, values: Readonly<Record<string, string>> | undefined): readonly Field[] {
  const entries = Object.entries(values ?? {})
  return entries.length === 0 ? [] : [[name, entries]]
}

function probe(name: string, value: V1Probe | undefined): readonly Field[] {
  if (value === undefined) return []
  const { initialDelaySeconds, timeoutSeconds, periodSeconds, successThreshold, failureThreshold } = value
  const numbers = [
    `delay=${initialDelaySeconds ?? 0}s`,
    `timeout=${timeoutSeconds ?? 1}s`,
    `period=${periodSeconds ?? 10}s`,
    `#success=${successThreshold ?? 1}`,
    `#failure=${failureThreshold ?? 3}`,
  ]
  return [[name, `${handlerText(value)} ${numbers.join(' ')}`]]
}

function handlerText(handler: V1LifecycleHandler & Pick<V1Probe, 'grpc'>): string {
  const { exec, httpGet, tcpSocket, grpc } = handler
  if (exec) return `exec [${(exec.command ?? []).join(' ')}]`
  if (httpGet) {
    const scheme = (httpGet.scheme ?? 'HTTP').toLowerCase()
    return `http-get ${scheme}://${httpGet.host ?? ''}:${httpGet.port}${httpGet.path ?? '/'}`
  }
  if (tcpSocket) return `tcp-socket ${tcpSocket.host ?? ''}:${tcpSocket.port}`
  return grpc ? `grpc <pod>:${grpc.port} ${grpc.service ?? ''}` : 'unknown'
}

function envFrom({ envFrom: sources }: V1Container): readonly Field[] {
  if (sources === undefined || sources.length === 0) return []
  const lines = sources.map(({ configMapRef, secretRef, prefix }) => {
    const [kind, ref] = configMapRef ? ['ConfigMap', configMapRef] : ['Secret', secretRef]
    const start = prefix ? ` with prefix '${prefix}'` : ''
    return `${ref?.name}  ${kind}${start}  Optional: ${ref?.optional === true}`
  })
  return [['Environment Variables from', lines]]
}

function variable({ name, value, valueFrom }: V1EnvVar): Field {
  const { configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef } = valueFrom ?? {}
  if (configMapKeyRef) {
    const { key, name: map, optional } = configMapKeyRef
    return [name, `<set to the key '${key}' of config map '${map}'>  Optional: ${optional === true}`]
  }
  if (secretKeyRef) {
    const { key, name: secret, optional } = secretKeyRef
    return [name, `<set to the key '${key}' in secret '${secret}'>  Optional: ${optional === true}`]
  }
  if (fieldRef) return [name, ` (${fieldRef.apiVersion ?? 'v1'}:${fieldRef.fieldPath})`]
  if (resourceFieldRef) return [name, `(${resourceFieldRef.resource})`]
  return [name, value ?? '']
}

function mount({ mountPath, name, readOnly, subPath }: V1VolumeMount): Field {
  const flags = [readOnly ? 'ro' : 'rw', ...(subPath ? [`path=${JSON.stringify(subPath)}`] : [])]
  return `${mountPath} from ${name} (${flags.join(',')})`
}
