/** The defaults inside a pod spec. Source: k8s.io/kubernetes/pkg/apis/core/v1/defaults.go and zz_generated.defaults.go. */
import type {
  V1Container,
  V1EphemeralContainer,
  V1LifecycleHandler,
  V1PodSpec,
  V1Probe,
  V1Volume,
} from '@kubernetes/client-node'

const volumeFileMode = 0o644

/** Fills the spec in place, as part of a pod or of a workload's template. */
export function defaultPodSpec(spec: V1PodSpec): void {
  spec.dnsPolicy ??= 'ClusterFirst'
  spec.restartPolicy ??= 'Always'
  spec.securityContext ??= {}
  spec.terminationGracePeriodSeconds ??= 30
  spec.schedulerName ??= 'default-scheduler'
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])]
  for (const container of containers) defaultContainer(container)
  if (spec.hostNetwork === true)
    for (const container of containers) for (const port of container.ports ?? []) port.hostPort ||= port.containerPort
  for (const volume of spec.volumes ?? []) defaultVolume(volume)
  if (spec.serviceAccountName === undefined && spec.serviceAccount !== undefined)
    spec.serviceAccountName = spec.serviceAccount
}

function defaultContainer(container: V1Container | V1EphemeralContainer): void {
  container.imagePullPolicy ||= defaultPullPolicy(container.image ?? '')
  container.terminationMessagePath ||= '/dev/termination-log'
  container.terminationMessagePolicy ||= 'File'
  container.resources ??= {}
  for (const port of container.ports ?? []) port.protocol ||= 'TCP'
  for (const { valueFrom } of container.env ?? [])
    if (valueFrom?.fieldRef !== undefined) valueFrom.fieldRef.apiVersion ||= 'v1'
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe])
    if (probe !== undefined) defaultProbe(probe)
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop])
    if (handler !== undefined) defaultHttp(handler)
}

function defaultProbe(probe: V1Probe): void {
  probe.timeoutSeconds ||= 1
  probe.periodSeconds ||= 10
  probe.successThreshold ||= 1
  probe.failureThreshold ||= 3
  if (probe.grpc !== undefined) probe.grpc.service ??= ''
  defaultHttp(probe)
}

function defaultHttp(handler: Pick<V1LifecycleHandler, 'httpGet'>): void {
  if (handler.httpGet === undefined) return
  handler.httpGet.path ||= '/'
  handler.httpGet.scheme ||= 'HTTP'
}

/** `Always` for `latest`, said or implied; a digest or any other tag is `IfNotPresent`. */
export function defaultPullPolicy(image: string): 'Always' | 'IfNotPresent' {
  const [name = '', digest] = image.split('@', 2)
  const tag = /:([^/:]+)$/.exec(name)?.[1]
  return tag === 'latest' || (tag === undefined && digest === undefined) ? 'Always' : 'IfNotPresent'
}

function defaultVolume(volume: V1Volume): void {
  if (Object.keys(volume).every(key => key === 'name')) volume.emptyDir = {}
  if (volume.hostPath !== undefined) volume.hostPath.type ??= ''
  if (volume.secret !== undefined) volume.secret.defaultMode ??= volumeFileMode
  if (volume.configMap !== undefined) volume.configMap.defaultMode ??= volumeFileMode
  if (volume.downwardAPI !== undefined) {
    volume.downwardAPI.defaultMode ??= volumeFileMode
    for (const { fieldRef } of volume.downwardAPI.items ?? []) if (fieldRef !== undefined) fieldRef.apiVersion ||= 'v1'
  }
  if (volume.projected !== undefined) {
    volume.projected.defaultMode ??= volumeFileMode
    for (const source of volume.projected.sources ?? []) {
      if (source.serviceAccountToken !== undefined) source.serviceAccountToken.expirationSeconds ??= 3600
      for (const { fieldRef } of source.downwardAPI?.items ?? [])
        if (fieldRef !== undefined) fieldRef.apiVersion ||= 'v1'
    }
  }
  if (volume.image !== undefined) volume.image.pullPolicy ||= defaultPullPolicy(volume.image.reference ?? '')
  const claim = volume.ephemeral?.volumeClaimTemplate?.spec
  if (claim !== undefined) claim.volumeMode ??= 'Filesystem'
  if (volume.iscsi !== undefined) volume.iscsi.iscsiInterface ||= 'default'
}
