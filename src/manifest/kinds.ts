/** The kinds that `kube` knows, by apiVersion: what checks them and what becomes of them. */

/**
 * What `kube` does with objects of a kind: `run` makes something of them, `accepted` means the kind has no meaning on
 * one machine (the reason says why), `notYetRun` that the engine does not act on it yet.
 */
export type Disposition = 'run' | 'accepted' | 'notYetRun'

export interface KindInfo {
  readonly kind: string
  /** `v1`, `apps/v1`, ... */
  readonly apiVersion: string
  /** The model in @kubernetes/client-node, which is also its definition in `schemas/definitions.json`. */
  readonly model: string
  /** As in URLs and `kube get`: `pods`. */
  readonly plural: string
  readonly shortNames: readonly string[]
  readonly namespaced: boolean
  readonly disposition: Disposition
  /** Why it is not run; empty for `run`. */
  readonly reason: string
}

interface Row {
  readonly kind: string
  readonly model?: string
  readonly plural?: string
  readonly short?: readonly string[]
  readonly cluster?: boolean
  readonly disposition?: Disposition
  readonly reason?: string
}

const oneMachine = 'one machine is one cluster of one node for one user'
const noController = 'kube has no controller that acts on it'

const rows: Readonly<Record<string, readonly Row[]>> = {
  v1: [
    { kind: 'Pod', short: ['po'], disposition: 'run' },
    {
      kind: 'Service',
      short: ['svc'],
      disposition: 'notYetRun',
      reason: 'service addresses and names are not made yet',
    },
    { kind: 'ConfigMap', short: ['cm'], disposition: 'run' },
    { kind: 'Secret', disposition: 'run' },
    { kind: 'PersistentVolumeClaim', short: ['pvc'], disposition: 'run' },
    { kind: 'PersistentVolume', short: ['pv'], cluster: true, disposition: 'run' },
    { kind: 'Namespace', short: ['ns'], cluster: true, reason: 'a namespace exists as soon as something is in it' },
    { kind: 'ServiceAccount', short: ['sa'], reason: 'there is no API server to authenticate to' },
    { kind: 'LimitRange', short: ['limits'], reason: `${oneMachine}: set limits in the pods` },
    { kind: 'ResourceQuota', short: ['quota'], reason: `${oneMachine}: quotas divide a cluster` },
    { kind: 'Endpoints', plural: 'endpoints', short: ['ep'], reason: noController },
    { kind: 'PodTemplate', reason: noController },
    { kind: 'ReplicationController', short: ['rc'], disposition: 'run' },
  ],
  'apps/v1': [
    { kind: 'Deployment', short: ['deploy'], disposition: 'run' },
    { kind: 'ReplicaSet', short: ['rs'], disposition: 'run' },
    { kind: 'StatefulSet', short: ['sts'], disposition: 'run' },
    { kind: 'DaemonSet', short: ['ds'], disposition: 'run' },
    { kind: 'ControllerRevision', reason: noController },
  ],
  'batch/v1': [
    { kind: 'Job', disposition: 'run' },
    { kind: 'CronJob', short: ['cj'], disposition: 'run' },
  ],
  'networking.k8s.io/v1': [
    { kind: 'Ingress', plural: 'ingresses', short: ['ing'], reason: 'there is no ingress controller: publish a port' },
    { kind: 'IngressClass', plural: 'ingressclasses', cluster: true, reason: 'there is no ingress controller' },
    {
      kind: 'NetworkPolicy',
      plural: 'networkpolicies',
      short: ['netpol'],
      disposition: 'notYetRun',
      reason: 'traffic between pods is not filtered yet',
    },
  ],
  'autoscaling/v1': [
    {
      kind: 'HorizontalPodAutoscaler',
      short: ['hpa'],
      reason: 'nothing scales by itself on one machine: use kube scale',
    },
  ],
  'autoscaling/v2': [
    {
      kind: 'HorizontalPodAutoscaler',
      model: 'V2HorizontalPodAutoscaler',
      short: ['hpa'],
      reason: 'nothing scales by itself on one machine: use kube scale',
    },
  ],
  'policy/v1': [{ kind: 'PodDisruptionBudget', short: ['pdb'], reason: 'nobody evicts pods from a single machine' }],
  'rbac.authorization.k8s.io/v1': [
    { kind: 'Role', reason: 'there is no API server to grant access to' },
    { kind: 'RoleBinding', reason: 'there is no API server to grant access to' },
    { kind: 'ClusterRole', cluster: true, reason: 'there is no API server to grant access to' },
    { kind: 'ClusterRoleBinding', cluster: true, reason: 'there is no API server to grant access to' },
  ],
  'storage.k8s.io/v1': [
    {
      kind: 'StorageClass',
      plural: 'storageclasses',
      short: ['sc'],
      cluster: true,
      reason: 'every volume is a directory of this machine',
    },
    { kind: 'CSIDriver', cluster: true, reason: 'every volume is a directory of this machine' },
    {
      kind: 'VolumeAttributesClass',
      plural: 'volumeattributesclasses',
      short: ['vac'],
      cluster: true,
      reason: 'every volume is a directory of this machine',
    },
  ],
  'scheduling.k8s.io/v1': [
    {
      kind: 'PriorityClass',
      plural: 'priorityclasses',
      short: ['pc'],
      cluster: true,
      reason: 'there is one node: nothing is scheduled or preempted',
    },
  ],
  'node.k8s.io/v1': [
    {
      kind: 'RuntimeClass',
      plural: 'runtimeclasses',
      cluster: true,
      reason: 'runtimes are configured on this machine',
    },
  ],
  'discovery.k8s.io/v1': [{ kind: 'EndpointSlice', reason: noController }],
  'coordination.k8s.io/v1': [{ kind: 'Lease', reason: noController }],
  'apiextensions.k8s.io/v1': [
    { kind: 'CustomResourceDefinition', short: ['crd'], cluster: true, reason: 'there is no API server to extend' },
  ],
  'apiregistration.k8s.io/v1': [{ kind: 'APIService', cluster: true, reason: 'there is no API server to extend' }],
  'flowcontrol.apiserver.k8s.io/v1': [
    { kind: 'FlowSchema', cluster: true, reason: 'there is no API server whose requests queue' },
    { kind: 'PriorityLevelConfiguration', cluster: true, reason: 'there is no API server whose requests queue' },
  ],
  'resource.k8s.io/v1': [
    {
      kind: 'ResourceClaim',
      model: 'ResourceV1ResourceClaim',
      reason: 'there is no driver that allocates devices',
    },
    { kind: 'ResourceClaimTemplate', reason: 'there is no driver that allocates devices' },
    {
      kind: 'DeviceClass',
      plural: 'deviceclasses',
      cluster: true,
      reason: 'there is no driver that allocates devices',
    },
  ],
  'admissionregistration.k8s.io/v1': [
    { kind: 'ValidatingWebhookConfiguration', cluster: true, reason: 'there is no API server to call webhooks' },
    { kind: 'MutatingWebhookConfiguration', cluster: true, reason: 'there is no API server to call webhooks' },
    {
      kind: 'ValidatingAdmissionPolicy',
      plural: 'validatingadmissionpolicies',
      cluster: true,
      reason: 'there is no API server to admit to',
    },
    { kind: 'ValidatingAdmissionPolicyBinding', cluster: true, reason: 'there is no API server to admit to' },
  ],
}

/** Every known kind, in the order of the table. */
export const knownKinds: readonly KindInfo[] = Object.entries(rows).flatMap(([apiVersion, list]) =>
  list.map(row => ({
    kind: row.kind,
    apiVersion,
    model: row.model ?? `V1${row.kind}`,
    plural: row.plural ?? `${row.kind.toLowerCase()}s`,
    shortNames: row.short ?? [],
    namespaced: row.cluster !== true,
    disposition: row.disposition ?? 'accepted',
    reason: row.reason ?? '',
  })),
)

const byVersionAndKind = new Map(knownKinds.map(info => [`${info.apiVersion}/${info.kind}`, info]))

/** The kind of that exact apiVersion, or undefined. */
export function findKind(apiVersion: string, kind: string): KindInfo | undefined {
  return byVersionAndKind.get(`${apiVersion}/${kind}`)
}

/** Versions that clusters served once: the kinds are the same, the apiVersion is not. Since 1.16, 1.22, 1.25, 1.26. */
const dropped: Readonly<Record<string, readonly string[]>> = {
  'extensions/v1beta1': ['Deployment', 'ReplicaSet', 'DaemonSet', 'Ingress', 'NetworkPolicy'],
  'apps/v1beta1': ['Deployment', 'StatefulSet'],
  'apps/v1beta2': ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet'],
  'batch/v1beta1': ['CronJob'],
  'batch/v2alpha1': ['CronJob'],
  'networking.k8s.io/v1beta1': ['Ingress', 'IngressClass'],
  'autoscaling/v2beta1': ['HorizontalPodAutoscaler'],
  'autoscaling/v2beta2': ['HorizontalPodAutoscaler'],
  'policy/v1beta1': ['PodDisruptionBudget'],
  'rbac.authorization.k8s.io/v1beta1': ['Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'],
  'rbac.authorization.k8s.io/v1alpha1': ['Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'],
  'storage.k8s.io/v1beta1': ['StorageClass', 'CSIDriver'],
  'scheduling.k8s.io/v1beta1': ['PriorityClass'],
  'scheduling.k8s.io/v1alpha1': ['PriorityClass'],
  'node.k8s.io/v1beta1': ['RuntimeClass'],
  'discovery.k8s.io/v1beta1': ['EndpointSlice'],
  'coordination.k8s.io/v1beta1': ['Lease'],
  'apiextensions.k8s.io/v1beta1': ['CustomResourceDefinition'],
  'apiregistration.k8s.io/v1beta1': ['APIService'],
  'admissionregistration.k8s.io/v1beta1': ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'],
  'flowcontrol.apiserver.k8s.io/v1beta2': ['FlowSchema', 'PriorityLevelConfiguration'],
  'flowcontrol.apiserver.k8s.io/v1beta3': ['FlowSchema', 'PriorityLevelConfiguration'],
}

/** Whether clusters once served this kind under this apiVersion and no longer do. */
export function isDroppedVersion(apiVersion: string, kind: string): boolean {
  return dropped[apiVersion]?.includes(kind) === true
}

/** The apiVersion a kind has now, the newest where there are two; undefined for an unknown kind. */
export function presentVersion(kind: string): string | undefined {
  return knownKinds.findLast(info => info.kind === kind)?.apiVersion
}

/** The kind of a name as a user writes it: `pod`, `pods`, `po`, `Pod`; the newest where a kind has two versions. */
export function findKindByName(name: string, apiVersion?: string): KindInfo | undefined {
  const lower = name.toLowerCase()
  return knownKinds.findLast(info => {
    if (apiVersion !== undefined && info.apiVersion !== apiVersion) return false
    return info.kind.toLowerCase() === lower || info.plural === lower || info.shortNames.includes(lower)
  })
}

/** The module in `build/validators/` that checks the kind: `pod`, `horizontal-pod-autoscaler-v1`. */
export function validatorName(info: KindInfo): string {
  const name = info.kind.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()
  return info.apiVersion === 'autoscaling/v1' ? `${name}-v1` : name
}
