/**
 * What an API server fills in when it takes an object. Source: k8s.io/kubernetes/pkg/apis/{core,apps,batch,networking,
 * autoscaling,storage,scheduling,rbac}/v1/defaults.go of 1.36.
 */
import type {
  V1CronJob,
  V1DaemonSet,
  V1Deployment,
  V1Job,
  V1JobSpec,
  V1NetworkPolicy,
  V1PersistentVolume,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodTemplateSpec,
  V1PriorityClass,
  V1ReplicaSet,
  V1ReplicationController,
  V1RoleBinding,
  V1Secret,
  V1Service,
  V1StatefulSet,
  V1StorageClass,
  V2HorizontalPodAutoscaler,
} from '@kubernetes/client-node'
import { defaultPodSpec } from './defaults-pod.ts'
import { defaultRequests } from './defaults-resources.ts'
import type { KubernetesObject } from './types.ts'

/** A deep copy of the object with the API server's defaults. Kinds without defaults come back as they are. */
export function withDefaults<T extends KubernetesObject>(object: T): T {
  const copy = structuredClone(object)
  fillers[`${object.apiVersion}/${object.kind}`]?.(copy as never)
  return copy
}

/** Gives `target[key]` a value when it has none. */
export function fill<T extends object, K extends keyof T>(target: T, key: K, value: NonNullable<T[K]>): void {
  if (target[key] === undefined || target[key] === null) target[key] = value
}

type Filler = (object: never) => void

const fillers: Readonly<Record<string, Filler>> = {
  'v1/Pod': fillPod,
  'v1/Service': fillService,
  'v1/Secret': (secret: V1Secret) => fill(secret, 'type', 'Opaque'),
  'v1/PersistentVolumeClaim': fillClaim,
  'v1/PersistentVolume': fillVolume,
  'apps/v1/Deployment': fillDeployment,
  'apps/v1/ReplicaSet': fillReplicaSet,
  'v1/ReplicationController': fillReplicationController,
  'apps/v1/StatefulSet': fillStatefulSet,
  'apps/v1/DaemonSet': fillDaemonSet,
  'batch/v1/Job': fillJob,
  'batch/v1/CronJob': fillCronJob,
  'networking.k8s.io/v1/NetworkPolicy': fillNetworkPolicy,
  'autoscaling/v2/HorizontalPodAutoscaler': fillAutoscaler,
  'autoscaling/v1/HorizontalPodAutoscaler': fillAutoscaler,
  'rbac.authorization.k8s.io/v1/RoleBinding': fillRoleBinding,
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': fillRoleBinding,
  'storage.k8s.io/v1/StorageClass': fillStorageClass,
  'scheduling.k8s.io/v1/PriorityClass': (priority: V1PriorityClass) =>
    fill(priority, 'preemptionPolicy', 'PreemptLowerPriority'),
}

function fillPod(pod: V1Pod): void {
  const { spec } = pod
  if (spec === undefined) return
  defaultPodSpec(spec)
  fill(spec, 'enableServiceLinks', true)
  defaultRequests(spec)
}

function fillTemplate(template: V1PodTemplateSpec | undefined): void {
  if (template?.spec !== undefined) defaultPodSpec(template.spec)
}

function fillService(service: V1Service): void {
  const { spec } = service
  if (spec === undefined) return
  fill(spec, 'sessionAffinity', 'None')
  if (spec.sessionAffinity === 'ClientIP') {
    fill(spec, 'sessionAffinityConfig', {})
    if (spec.sessionAffinityConfig !== undefined) {
      fill(spec.sessionAffinityConfig, 'clientIP', {})
      if (spec.sessionAffinityConfig.clientIP !== undefined)
        fill(spec.sessionAffinityConfig.clientIP, 'timeoutSeconds', 10800)
    }
  }
  fill(spec, 'type', 'ClusterIP')
  for (const port of spec.ports ?? []) {
    fill(port, 'protocol', 'TCP')
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port
  }
  const isExternal = spec.type === 'NodePort' || spec.type === 'LoadBalancer'
  if (isExternal) fill(spec, 'externalTrafficPolicy', 'Cluster')
  if (spec.type !== 'ExternalName') fill(spec, 'internalTrafficPolicy', 'Cluster')
  if (spec.type === 'LoadBalancer') fill(spec, 'allocateLoadBalancerNodePorts', true)
}

function fillClaim(claim: Pick<V1PersistentVolumeClaim, 'spec'>): void {
  if (claim.spec !== undefined) fill(claim.spec, 'volumeMode', 'Filesystem')
}

function fillVolume({ spec }: V1PersistentVolume): void {
  if (spec === undefined) return
  fill(spec, 'persistentVolumeReclaimPolicy', 'Retain')
  fill(spec, 'volumeMode', 'Filesystem')
  if (spec.hostPath !== undefined) fill(spec.hostPath, 'type', '')
}

function fillDeployment({ spec }: V1Deployment): void {
  if (spec === undefined) return
  fill(spec, 'replicas', 1)
  fill(spec, 'strategy', {})
  const strategy = spec.strategy ?? {}
  fill(strategy, 'type', 'RollingUpdate')
  if (strategy.type === 'RollingUpdate') {
    fill(strategy, 'rollingUpdate', {})
    fill(strategy.rollingUpdate ?? {}, 'maxUnavailable', '25%')
    fill(strategy.rollingUpdate ?? {}, 'maxSurge', '25%')
  }
  fill(spec, 'revisionHistoryLimit', 10)
  fill(spec, 'progressDeadlineSeconds', 600)
  fillTemplate(spec.template)
}

function fillReplicaSet({ spec }: V1ReplicaSet): void {
  if (spec === undefined) return
  fill(spec, 'replicas', 1)
  fillTemplate(spec.template)
}

function fillReplicationController(controller: V1ReplicationController): void {
  const { spec } = controller
  if (spec === undefined) return
  const labels = spec.template?.metadata?.labels
  if (labels !== undefined) {
    if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels }
    if (Object.keys(controller.metadata?.labels ?? {}).length === 0)
      controller.metadata = { ...controller.metadata, labels: { ...labels } }
  }
  fill(spec, 'replicas', 1)
  fillTemplate(spec.template)
}

function fillStatefulSet({ spec }: V1StatefulSet): void {
  if (spec === undefined) return
  fill(spec, 'podManagementPolicy', 'OrderedReady')
  fill(spec, 'updateStrategy', {})
  const strategy = spec.updateStrategy ?? {}
  fill(strategy, 'type', 'RollingUpdate')
  if (strategy.type === 'RollingUpdate') {
    fill(strategy, 'rollingUpdate', {})
    fill(strategy.rollingUpdate ?? {}, 'partition', 0)
  }
  fill(spec, 'persistentVolumeClaimRetentionPolicy', {})
  fill(spec.persistentVolumeClaimRetentionPolicy ?? {}, 'whenDeleted', 'Retain')
  fill(spec.persistentVolumeClaimRetentionPolicy ?? {}, 'whenScaled', 'Retain')
  fill(spec, 'replicas', 1)
  fill(spec, 'revisionHistoryLimit', 10)
  for (const claim of spec.volumeClaimTemplates ?? []) fillClaim(claim)
  fillTemplate(spec.template)
}

function fillDaemonSet({ spec }: V1DaemonSet): void {
  if (spec === undefined) return
  fill(spec, 'updateStrategy', {})
  const strategy = spec.updateStrategy ?? {}
  fill(strategy, 'type', 'RollingUpdate')
  if (strategy.type === 'RollingUpdate') {
    fill(strategy, 'rollingUpdate', {})
    fill(strategy.rollingUpdate ?? {}, 'maxUnavailable', 1)
    fill(strategy.rollingUpdate ?? {}, 'maxSurge', 0)
  }
  fill(spec, 'revisionHistoryLimit', 10)
  fillTemplate(spec.template)
}

function fillJob(job: V1Job): void {
  if (job.spec === undefined) return
  const labels = job.spec.template?.metadata?.labels
  if (labels !== undefined && Object.keys(job.metadata?.labels ?? {}).length === 0)
    job.metadata = { ...job.metadata, labels: { ...labels } }
  fillJobSpec(job.spec)
}

function fillJobSpec(spec: V1JobSpec): void {
  // An indexed or work-queue job says how many: without parallelism and completions it is one run of one pod.
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
  fill(spec, 'parallelism', 1)
  fill(spec, 'backoffLimit', spec.backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1)
  fill(spec, 'completionMode', 'NonIndexed')
  fill(spec, 'suspend', false)
  fill(spec, 'manualSelector', false)
  fill(spec, 'podReplacementPolicy', spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed')
  for (const rule of spec.podFailurePolicy?.rules ?? [])
    for (const condition of rule.onPodConditions ?? []) fill(condition, 'status', 'True')
  fillTemplate(spec.template)
}

function fillCronJob({ spec }: V1CronJob): void {
  if (spec === undefined) return
  fill(spec, 'concurrencyPolicy', 'Allow')
  fill(spec, 'suspend', false)
  fill(spec, 'successfulJobsHistoryLimit', 3)
  fill(spec, 'failedJobsHistoryLimit', 1)
  // Only the pod template: the job's own defaults come with each job.
  fillTemplate(spec.jobTemplate?.spec?.template)
}

function fillNetworkPolicy({ spec }: V1NetworkPolicy): void {
  if (spec === undefined) return
  for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])])
    for (const port of rule.ports ?? []) fill(port, 'protocol', 'TCP')
  if ((spec.policyTypes ?? []).length > 0) return
  spec.policyTypes = (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress']
}

function fillAutoscaler({ spec }: V2HorizontalPodAutoscaler): void {
  if (spec !== undefined) fill(spec, 'minReplicas', 1)
}

function fillRoleBinding(binding: V1RoleBinding): void {
  const group = 'rbac.authorization.k8s.io'
  if (binding.roleRef !== undefined && !binding.roleRef.apiGroup) binding.roleRef.apiGroup = group
  for (const subject of binding.subjects ?? [])
    if (!subject.apiGroup && subject.kind !== 'ServiceAccount') subject.apiGroup = group
}

function fillStorageClass(storage: V1StorageClass): void {
  fill(storage, 'reclaimPolicy', 'Delete')
  fill(storage, 'volumeBindingMode', 'Immediate')
}
