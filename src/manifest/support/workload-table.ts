/** Support for the workload kinds. */
import type { SupportTable } from './types.ts'

const status = { status: 'ignored, as an API server ignores it' }
export const workloadSupport: SupportTable = {
  V1Deployment: { honoured: 'apiVersion kind metadata spec', accepted: status },
  V1DeploymentSpec: {
    honoured: 'minReadySeconds paused progressDeadlineSeconds replicas revisionHistoryLimit selector strategy template',
  },
  V1DeploymentStrategy: { honoured: 'rollingUpdate type' },
  V1RollingUpdateDeployment: { honoured: 'maxSurge maxUnavailable' },
  V1ReplicaSet: { honoured: 'apiVersion kind metadata spec', accepted: status },
  V1ReplicaSetSpec: { honoured: 'minReadySeconds replicas selector template' },
  V1ReplicationController: { honoured: 'apiVersion kind metadata spec', accepted: status },
  V1ReplicationControllerSpec: { honoured: 'minReadySeconds replicas selector template' },
  V1StatefulSet: { honoured: 'apiVersion kind metadata spec', accepted: status },
  V1StatefulSetSpec: {
    honoured:
      'minReadySeconds ordinals persistentVolumeClaimRetentionPolicy podManagementPolicy replicas revisionHistoryLimit selector serviceName template updateStrategy volumeClaimTemplates',
  },
  V1StatefulSetOrdinals: { honoured: 'start' },
  V1StatefulSetPersistentVolumeClaimRetentionPolicy: { honoured: 'whenDeleted whenScaled' },
  V1StatefulSetUpdateStrategy: { honoured: 'rollingUpdate type' },
  V1RollingUpdateStatefulSetStrategy: { honoured: 'maxUnavailable partition' },
  V1DaemonSet: { honoured: 'apiVersion kind metadata spec', accepted: status },
  V1DaemonSetSpec: { honoured: 'minReadySeconds revisionHistoryLimit selector template updateStrategy' },
  V1DaemonSetUpdateStrategy: { honoured: 'rollingUpdate type' },
  V1RollingUpdateDaemonSet: { honoured: 'maxSurge maxUnavailable' },
  V1Job: { honoured: 'apiVersion kind metadata spec', accepted: status },
  V1JobSpec: {
    honoured:
      'activeDeadlineSeconds backoffLimit backoffLimitPerIndex completionMode completions manualSelector maxFailedIndexes parallelism podFailurePolicy podReplacementPolicy selector successPolicy suspend template ttlSecondsAfterFinished',
    refused: { managedBy: 'kube runs no other controllers' },
  },
  V1PodFailurePolicy: { honoured: 'rules' },
  V1PodFailurePolicyRule: { honoured: 'action onExitCodes onPodConditions' },
  V1PodFailurePolicyOnExitCodesRequirement: { honoured: 'containerName operator values' },
  V1PodFailurePolicyOnPodConditionsPattern: { honoured: 'status type' },
  V1SuccessPolicy: { honoured: 'rules' },
  V1SuccessPolicyRule: { honoured: 'succeededCount succeededIndexes' },
  V1CronJob: { honoured: 'apiVersion kind metadata spec', accepted: status },
  V1CronJobSpec: {
    honoured:
      'concurrencyPolicy failedJobsHistoryLimit jobTemplate schedule startingDeadlineSeconds successfulJobsHistoryLimit suspend timeZone',
  },
  V1JobTemplateSpec: { honoured: 'metadata spec' },
  V1LabelSelector: { honoured: 'matchExpressions matchLabels' },
  V1LabelSelectorRequirement: { honoured: 'key operator values' },
}
