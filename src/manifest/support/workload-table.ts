/** Support for the workload kinds. */
import type { SupportTable } from './types.ts'

const status = { status: 'ignored, as an API server ignores it' }
const wholeReplacement = 'the pods of a changed template are replaced at once'
const notSupervised = 'kube does not count the runs of a job yet'

export const workloadSupport: SupportTable = {
  V1Deployment: { honoured: 'apiVersion kind metadata spec', accepted: status },
  V1DeploymentSpec: {
    honoured: 'replicas selector template',
    accepted: {
      minReadySeconds: wholeReplacement,
      paused: wholeReplacement,
      progressDeadlineSeconds: wholeReplacement,
      revisionHistoryLimit: wholeReplacement,
      strategy: wholeReplacement,
    },
  },
  V1DeploymentStrategy: { honoured: 'rollingUpdate type' },
  V1RollingUpdateDeployment: { honoured: 'maxSurge maxUnavailable' },
  V1ReplicaSet: { honoured: 'apiVersion kind metadata spec', accepted: status },
  V1ReplicaSetSpec: {
    honoured: 'replicas selector template',
    accepted: { minReadySeconds: wholeReplacement },
  },
  V1ReplicationController: { honoured: 'apiVersion kind metadata spec', accepted: status },
  V1ReplicationControllerSpec: {
    honoured: 'replicas selector template',
    accepted: { minReadySeconds: wholeReplacement },
  },
  V1StatefulSet: { honoured: 'apiVersion kind metadata spec', accepted: status },
  V1StatefulSetSpec: {
    honoured: 'ordinals replicas selector serviceName template volumeClaimTemplates',
    accepted: {
      minReadySeconds: wholeReplacement,
      persistentVolumeClaimRetentionPolicy: 'volumes are kept until they are removed by hand',
      podManagementPolicy: 'all pods start at once',
      revisionHistoryLimit: wholeReplacement,
      updateStrategy: wholeReplacement,
    },
  },
  V1StatefulSetOrdinals: { honoured: 'start' },
  V1StatefulSetPersistentVolumeClaimRetentionPolicy: { honoured: 'whenDeleted whenScaled' },
  V1StatefulSetUpdateStrategy: { honoured: 'rollingUpdate type' },
  V1RollingUpdateStatefulSetStrategy: { honoured: 'maxUnavailable partition' },
  V1DaemonSet: { honoured: 'apiVersion kind metadata spec', accepted: status },
  V1DaemonSetSpec: {
    honoured: 'selector template',
    accepted: {
      minReadySeconds: wholeReplacement,
      revisionHistoryLimit: wholeReplacement,
      updateStrategy: wholeReplacement,
    },
  },
  V1DaemonSetUpdateStrategy: { honoured: 'rollingUpdate type' },
  V1RollingUpdateDaemonSet: { honoured: 'maxSurge maxUnavailable' },
  V1Job: { honoured: 'apiVersion kind metadata spec', accepted: status },
  V1JobSpec: {
    honoured: 'completions manualSelector parallelism selector suspend template',
    accepted: {
      backoffLimit: notSupervised,
      completionMode: notSupervised,
      podReplacementPolicy: notSupervised,
      ttlSecondsAfterFinished: 'a finished job stays until it is removed',
    },
    refused: {
      activeDeadlineSeconds: notSupervised,
      backoffLimitPerIndex: notSupervised,
      managedBy: 'kube runs no other controllers',
      maxFailedIndexes: notSupervised,
      podFailurePolicy: notSupervised,
      successPolicy: notSupervised,
    },
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
