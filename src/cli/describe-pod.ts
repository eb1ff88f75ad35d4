/** A pod as `kubectl describe` shows it. Source: kubectl pkg/describe/describe.go. */
import type { V1Container, V1Toleration, V1Volume } from '@kubernetes/client-node'
import type { PodObject } from '../status/pod-object.ts'
import { podRow } from '../status/pod-row.ts'
import { containerFields } from './describe-container.ts'
import { type Field, layout, mapText, orNone, timeText } from './describe-layout.ts'
import { table } from './render.ts'

export function describePod(pod: PodObject): string {
  const { metadata, spec, status } = pod
  const owner = metadata.ownerReferences?.find(reference => reference.controller === true)
  const head: readonly Field[] = [
    ['Name', metadata.name],
    ['Namespace', metadata.namespace ?? ''],
    ['Priority', String(spec.priority ?? 0)],
    ['Service Account', spec.serviceAccountName ?? 'default'],
    ['Node', `${spec.nodeName ?? ''}/${status.hostIP ?? ''}`],
    ['Start Time', timeText(status.startTime)],
    ['Labels', mapText(metadata.labels)],
    ['Annotations', mapText(metadata.annotations, ': ')],
    ['Status', metadata.deletionTimestamp === undefined ? status.phase : podRow(pod).status],
    ...(status.reason ? [['Reason', status.reason] as const] : []),
    ...(status.message ? [['Message', status.message] as const] : []),
    ['IP', status.podIP ?? ''],
  ]
  const addresses = (status.podIPs ?? []).map(({ ip }): Field => ['IP', ip])
  const init = containers(spec.initContainers, status.initContainerStatuses)
  const main = containers(spec.containers, status.containerStatuses)
  const volumes = (spec.volumes ?? []).map(
    (volume): Field => [volume.name, volumeFields(volume as unknown as V1Volume)],
  )
  const tail: readonly Field[] = [
    ['QoS Class', status.qosClass ?? ''],
    ['Node-Selectors', mapText(spec.nodeSelector)],
    ['Tolerations', orNone((spec.tolerations ?? []).map(item => tolerationText(item as V1Toleration)).join('\n'))],
  ]
  return [
    layout(head),
    layout([['IPs', addresses.length === 0 ? '<none>' : addresses]]),
    owner === undefined ? '' : layout([['Controlled By', `${owner.kind}/${owner.name}`]]),
    init.length === 0 ? '' : layout([['Init Containers', init]]),
    layout([['Containers', main]]),
    readinessGates(pod),
    conditions(pod),
    layout([['Volumes', volumes.length === 0 ? '<none>' : volumes]]),
    layout(tail),
  ].join('')
}

function containers(
  list: PodObject['spec']['initContainers'],
  statuses: PodObject['status']['containerStatuses'],
): readonly Field[] {
  return (list ?? []).map((container): Field => {
    const status = statuses?.find(({ name }) => name === container.name)
    return [container.name, containerFields(container as unknown as V1Container, status)]
  })
}

function readinessGates({ spec, status }: PodObject): string {
  const gates = spec.readinessGates ?? []
  if (gates.length === 0) return ''
  const rows = gates.map(({ conditionType }) => {
    const set = (status.conditions ?? []).find(({ type }) => type === conditionType)
    return [`  ${conditionType}`, `${set?.status ?? '<none>'} `]
  })
  return `Readiness Gates:\n${table(['  Type', 'Status '], rows)}`
}

function conditions({ status }: PodObject): string {
  const rows = (status.conditions ?? []).map(({ type, status: answer }) => [`  ${type}`, `${answer} `])
  return `Conditions:\n${table(['  Type', 'Status '], rows)}`
}

const FILE_SOURCES = {
  configMap: ['ConfigMap (a volume populated by a ConfigMap)', 'Name'],
  secret: ['Secret (a volume populated by a Secret)', 'SecretName'],
} as const

function volumeFields(volume: V1Volume): readonly Field[] {
  const { emptyDir, hostPath, configMap, secret, persistentVolumeClaim: claim, projected, downwardAPI, image } = volume
  if (emptyDir) {
    return [
      ['Type', "EmptyDir (a temporary directory that shares a pod's lifetime)"],
      ['Medium', emptyDir.medium ?? ''],
      ['SizeLimit', emptyDir.sizeLimit ?? '<unset>'],
    ]
  }
  if (hostPath) {
    return [
      ['Type', 'HostPath (bare host directory volume)'],
      ['Path', hostPath.path],
      ['HostPathType', hostPath.type ?? ''],
    ]
  }
  if (configMap) return fileSource('configMap', configMap.name, configMap.optional)
  if (secret) return fileSource('secret', secret.secretName, secret.optional)
  if (claim) {
    return [
      ['Type', 'PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)'],
      ['ClaimName', claim.claimName],
      ['ReadOnly', String(claim.readOnly === true)],
    ]
  }
  if (projected) {
    const sources = (projected.sources ?? []).flatMap((source): readonly Field[] => [
      ...(source.configMap ? [['ConfigMapName', source.configMap.name ?? ''] as const] : []),
      ...(source.secret ? [['SecretName', source.secret.name ?? ''] as const] : []),
      ...(source.downwardAPI ? [['DownwardAPI', 'true'] as const] : []),
    ])
    return [['Type', 'Projected (a volume that contains injected data from multiple sources)'], ...sources]
  }
  if (downwardAPI) {
    const items = (downwardAPI.items ?? []).map(
      ({ path, fieldRef, resourceFieldRef }) => `${fieldRef?.fieldPath ?? resourceFieldRef?.resource} -> ${path}`,
    )
    return [
      ['Type', 'DownwardAPI (a volume populated by information about the pod)'],
      ['Items', items],
    ]
  }
  if (image) {
    return [
      ['Type', 'Image (a container image or OCI artifact)'],
      ['Reference', image.reference ?? ''],
      ['PullPolicy', image.pullPolicy ?? ''],
    ]
  }
  return [['Type', orNone(Object.keys(volume).find(key => key !== 'name'))]]
}

function fileSource(kind: keyof typeof FILE_SOURCES, name = '', optional = false): readonly Field[] {
  const [type, label] = FILE_SOURCES[kind]
  return [
    ['Type', type],
    [label, name],
    ['Optional', String(optional)],
  ]
}

function tolerationText({ key, operator, value, effect, tolerationSeconds }: V1Toleration): string {
  const start = `${key ?? ''}${value ? `=${value}` : ''}${effect ? `:${effect}` : ''}`
  const end = `${operator === 'Exists' ? ' op=Exists' : ''}${tolerationSeconds ? ` for ${tolerationSeconds}s` : ''}`
  return `${start}${end}`.trim()
}
