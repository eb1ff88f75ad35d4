/** The compiled validators by name, each loaded when a file first needs it. A literal import each, so that a bundler sees them. */

import type { SupportMark } from './support/marks.ts'

/** One finding of ajv. Source: ajv's ErrorObject. */
export interface SchemaError {
  /** A JSON pointer. */
  readonly instancePath: string
  readonly keyword: string
  readonly params: Readonly<Record<string, unknown>>
}

/** A part of an object that another module checks. */
export interface ValidatorPart {
  readonly path: readonly string[]
  readonly module: string
}

export interface Validator {
  readonly validate: ((value: unknown) => boolean) & { readonly errors?: readonly SchemaError[] | null }
  readonly parts: readonly ValidatorPart[]
  /** The paths that are not honoured, without those of the parts. */
  readonly marks: readonly SupportMark[]
}

const imports: Readonly<Record<string, () => Promise<Validator>>> = {
  apiservice: () => import('#validators/apiservice.js'),
  'apiservice-status': () => import('#validators/apiservice-status.js'),
  'cluster-role': () => import('#validators/cluster-role.js'),
  'cluster-role-binding': () => import('#validators/cluster-role-binding.js'),
  'config-map': () => import('#validators/config-map.js'),
  'controller-revision': () => import('#validators/controller-revision.js'),
  'cron-job': () => import('#validators/cron-job.js'),
  'cron-job-status': () => import('#validators/cron-job-status.js'),
  csidriver: () => import('#validators/csidriver.js'),
  'custom-resource-definition': () => import('#validators/custom-resource-definition.js'),
  'custom-resource-definition-status': () => import('#validators/custom-resource-definition-status.js'),
  'daemon-set': () => import('#validators/daemon-set.js'),
  'daemon-set-status': () => import('#validators/daemon-set-status.js'),
  deployment: () => import('#validators/deployment.js'),
  'deployment-status': () => import('#validators/deployment-status.js'),
  'device-class': () => import('#validators/device-class.js'),
  'endpoint-slice': () => import('#validators/endpoint-slice.js'),
  endpoints: () => import('#validators/endpoints.js'),
  'flow-schema': () => import('#validators/flow-schema.js'),
  'flow-schema-status': () => import('#validators/flow-schema-status.js'),
  'horizontal-pod-autoscaler': () => import('#validators/horizontal-pod-autoscaler.js'),
  'horizontal-pod-autoscaler-status': () => import('#validators/horizontal-pod-autoscaler-status.js'),
  'horizontal-pod-autoscaler-v1': () => import('#validators/horizontal-pod-autoscaler-v1.js'),
  'horizontal-pod-autoscaler-v1-status': () => import('#validators/horizontal-pod-autoscaler-v1-status.js'),
  ingress: () => import('#validators/ingress.js'),
  'ingress-class': () => import('#validators/ingress-class.js'),
  'ingress-status': () => import('#validators/ingress-status.js'),
  job: () => import('#validators/job.js'),
  'job-status': () => import('#validators/job-status.js'),
  lease: () => import('#validators/lease.js'),
  'limit-range': () => import('#validators/limit-range.js'),
  'mutating-webhook-configuration': () => import('#validators/mutating-webhook-configuration.js'),
  namespace: () => import('#validators/namespace.js'),
  'namespace-status': () => import('#validators/namespace-status.js'),
  'network-policy': () => import('#validators/network-policy.js'),
  'persistent-volume': () => import('#validators/persistent-volume.js'),
  'persistent-volume-claim': () => import('#validators/persistent-volume-claim.js'),
  'persistent-volume-claim-status': () => import('#validators/persistent-volume-claim-status.js'),
  'persistent-volume-status': () => import('#validators/persistent-volume-status.js'),
  pod: () => import('#validators/pod.js'),
  'pod-disruption-budget': () => import('#validators/pod-disruption-budget.js'),
  'pod-disruption-budget-status': () => import('#validators/pod-disruption-budget-status.js'),
  'pod-spec': () => import('#validators/pod-spec.js'),
  'pod-status': () => import('#validators/pod-status.js'),
  'pod-template': () => import('#validators/pod-template.js'),
  'priority-class': () => import('#validators/priority-class.js'),
  'priority-level-configuration': () => import('#validators/priority-level-configuration.js'),
  'priority-level-configuration-status': () => import('#validators/priority-level-configuration-status.js'),
  'replica-set': () => import('#validators/replica-set.js'),
  'replica-set-status': () => import('#validators/replica-set-status.js'),
  'replication-controller': () => import('#validators/replication-controller.js'),
  'replication-controller-status': () => import('#validators/replication-controller-status.js'),
  'resource-claim': () => import('#validators/resource-claim.js'),
  'resource-claim-status': () => import('#validators/resource-claim-status.js'),
  'resource-claim-template': () => import('#validators/resource-claim-template.js'),
  'resource-quota': () => import('#validators/resource-quota.js'),
  'resource-quota-status': () => import('#validators/resource-quota-status.js'),
  role: () => import('#validators/role.js'),
  'role-binding': () => import('#validators/role-binding.js'),
  'runtime-class': () => import('#validators/runtime-class.js'),
  secret: () => import('#validators/secret.js'),
  service: () => import('#validators/service.js'),
  'service-account': () => import('#validators/service-account.js'),
  'service-status': () => import('#validators/service-status.js'),
  'stateful-set': () => import('#validators/stateful-set.js'),
  'stateful-set-status': () => import('#validators/stateful-set-status.js'),
  'storage-class': () => import('#validators/storage-class.js'),
  'validating-admission-policy': () => import('#validators/validating-admission-policy.js'),
  'validating-admission-policy-binding': () => import('#validators/validating-admission-policy-binding.js'),
  'validating-admission-policy-status': () => import('#validators/validating-admission-policy-status.js'),
  'validating-webhook-configuration': () => import('#validators/validating-webhook-configuration.js'),
  'volume-attributes-class': () => import('#validators/volume-attributes-class.js'),
}

const loaded = new Map<string, Promise<Validator>>()

/** The names that can be loaded. */
export const validatorNames: readonly string[] = Object.keys(imports)

/** Loads a validator once. Throws for a name that the build does not make. */
export function loadValidator(name: string): Promise<Validator> {
  const known = loaded.get(name)
  if (known !== undefined) return known
  const load = imports[name]
  if (load === undefined) throw new Error(`no validator ${name}`)
  const loading = load()
  loaded.set(name, loading)
  return loading
}
