/** Which rules apply to which kind. */
import type { Finding } from '../finding.ts'
import type { KindInfo } from '../kinds.ts'
import type { KubernetesObject } from '../types.ts'
import type { Findings } from './check.ts'
import { checkClaim, checkPersistentVolume, checkStorageClass } from './claims.ts'
import { checkConfigMap, checkSecret } from './config.ts'
import { checkCronJob, checkJob } from './jobs.ts'
import { checkMetadata } from './metadata.ts'
import { checkDns1035Label, checkDnsLabel, checkDnsSubdomain, type NameCheck } from './names.ts'
import { checkIngress, checkNetworkPolicy } from './networking.ts'
import { checkPod } from './pod.ts'
import { checkAutoscaler, checkDisruptionBudget, checkPriorityClass, checkRole, checkRoleBinding } from './policies.ts'
import { checkService } from './service.ts'
import {
  checkDaemonSet,
  checkDeployment,
  checkReplicaSet,
  checkReplicationController,
  checkStatefulSet,
} from './workloads.ts'

interface KindRules {
  /** What the kind asks of its objects' names. Default: a DNS subdomain. */
  readonly name?: NameCheck
  readonly check?: (object: never) => Findings
}

/** RBAC's names are path segments. */
const checkPathSegment: NameCheck = value => {
  if (value === '.' || value === '..') return [`may not be '${value}'`]
  const found = ['/', '%'].filter(char => value.includes(char))
  return found.map(char => `may not contain '${char}'`)
}

const rules: Readonly<Record<string, KindRules>> = {
  Pod: { check: checkPod },
  Service: { name: checkDns1035Label, check: checkService },
  ConfigMap: { check: checkConfigMap },
  Secret: { check: checkSecret },
  PersistentVolumeClaim: { check: checkClaim },
  PersistentVolume: { check: checkPersistentVolume },
  Namespace: { name: checkDnsLabel },
  Deployment: { check: checkDeployment },
  ReplicaSet: { check: checkReplicaSet },
  ReplicationController: { check: checkReplicationController },
  StatefulSet: { name: checkDnsLabel, check: checkStatefulSet },
  DaemonSet: { check: checkDaemonSet },
  Job: { check: checkJob },
  CronJob: { check: checkCronJob },
  Ingress: { check: checkIngress },
  NetworkPolicy: { check: checkNetworkPolicy },
  HorizontalPodAutoscaler: { check: checkAutoscaler },
  PodDisruptionBudget: { check: checkDisruptionBudget },
  Role: { name: checkPathSegment, check: role => checkRole(role, true) },
  ClusterRole: { name: checkPathSegment, check: role => checkRole(role, false) },
  RoleBinding: { name: checkPathSegment, check: binding => checkRoleBinding(binding, true) },
  ClusterRoleBinding: { name: checkPathSegment, check: binding => checkRoleBinding(binding, false) },
  StorageClass: { check: checkStorageClass },
  PriorityClass: { check: checkPriorityClass },
}

/** What the rules of its kind say of an object whose types are right. */
export function* applyRules(info: KindInfo, object: KubernetesObject): Generator<Finding, void, undefined> {
  const { name = checkDnsSubdomain, check } = rules[info.kind] ?? {}
  yield* checkMetadata(object.metadata, name, info.namespaced)
  if (check !== undefined) yield* check(object as never)
}
