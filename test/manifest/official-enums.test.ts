import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { readManifests } from '../../src/manifest/read.ts'
import { sharedData } from '../support/need.ts'

const pod = (spec: string, container = '') =>
  `{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: x, ports: [{containerPort: 1}]${container === '' ? '' : `, ${container}`}}]${spec === '' ? '' : `, ${spec}`}}}`
const workload = (kind: string, spec: string, group = 'apps/v1') =>
  `{apiVersion: ${group}, kind: ${kind}, metadata: {name: a}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: x}]}}, ${spec}}}`
const job = (spec: string) =>
  `{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}, ${spec}}}`
const service = (spec: string) =>
  `{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {selector: {a: b}, ports: [{port: 1}], ${spec}}}`
const claim = (spec: string) =>
  `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}, spec: {resources: {requests: {storage: 1Gi}}, ${spec}}}`
const volume = (spec: string) =>
  `{apiVersion: v1, kind: PersistentVolume, metadata: {name: a}, spec: {capacity: {storage: 1Gi}, hostPath: {path: /x}, ${spec}}}`
const RULES = 'podFailurePolicy: {rules: [{action: %, onExitCodes: {operator: In, values: [1]}}]}'
const EXIT_CODES = 'podFailurePolicy: {rules: [{action: Ignore, onExitCodes: {operator: %, values: [1]}}]}'
const AFFINITY =
  'affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: k, operator: %, values: [v]}]}]}}}'
const SPREAD = (rest: string) =>
  `topologySpreadConstraints: [{maxSkew: 1, topologyKey: k, whenUnsatisfiable: DoNotSchedule, ${rest}}]`

/** For each field a manifest in which `%` stands where its value belongs. */
const MANIFESTS: Readonly<Record<string, string>> = {
  'DaemonSetUpdateStrategy.type': workload('DaemonSet', 'updateStrategy: {type: %}'),
  'DeploymentStrategy.type': workload('Deployment', 'strategy: {type: %}'),
  'StatefulSetSpec.podManagementPolicy': workload('StatefulSet', 'serviceName: a, podManagementPolicy: %'),
  'StatefulSetUpdateStrategy.type': workload('StatefulSet', 'serviceName: a, updateStrategy: {type: %}'),
  'CronJobSpec.concurrencyPolicy':
    '{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}, spec: {schedule: "* * * * *", concurrencyPolicy: %, jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}}}}}',
  'JobSpec.completionMode': job('completionMode: %'),
  'JobSpec.podReplacementPolicy': job('podReplacementPolicy: %'),
  'PodFailurePolicyRule.action': job(RULES),
  'PodFailurePolicyOnExitCodesRequirement.operator': job(EXIT_CODES),
  'AppArmorProfile.type': pod('securityContext: {appArmorProfile: {type: %}}'),
  'Container.terminationMessagePolicy': pod('', 'terminationMessagePolicy: %'),
  'Container.imagePullPolicy': pod('', 'imagePullPolicy: %'),
  'ContainerPort.protocol': pod('initContainers: [{name: i, image: x, ports: [{containerPort: 1, protocol: %}]}]'),
  'HTTPGetAction.scheme': pod('', 'livenessProbe: {httpGet: {port: 1, scheme: %}}'),
  'HostPathVolumeSource.type': pod('volumes: [{name: v, hostPath: {path: /x, type: %}}]'),
  'ImageVolumeSource.pullPolicy': pod('volumes: [{name: v, image: {reference: x, pullPolicy: %}}]'),
  'NodeSelectorRequirement.operator': pod(AFFINITY),
  'PersistentVolumeClaimSpec.accessModes': claim('accessModes: [%]'),
  'PersistentVolumeClaimSpec.volumeMode': claim('accessModes: [ReadWriteOnce], volumeMode: %'),
  'PersistentVolumeSpec.accessModes': volume('accessModes: [%]'),
  'PersistentVolumeSpec.persistentVolumeReclaimPolicy': volume(
    'accessModes: [ReadWriteOnce], persistentVolumeReclaimPolicy: %',
  ),
  'PersistentVolumeSpec.volumeMode': volume('accessModes: [ReadWriteOnce], volumeMode: %'),
  'PodSecurityContext.supplementalGroupsPolicy': pod('securityContext: {supplementalGroupsPolicy: %}'),
  'PodSecurityContext.fsGroupChangePolicy': pod('securityContext: {fsGroupChangePolicy: %}'),
  'PodSpec.restartPolicy': pod('restartPolicy: %'),
  'PodSpec.dnsPolicy': pod('dnsPolicy: %'),
  'PodSpec.preemptionPolicy': pod('preemptionPolicy: %'),
  'SeccompProfile.type': pod('securityContext: {seccompProfile: {type: %}}'),
  'SecurityContext.procMount': pod('', 'securityContext: {procMount: %}'),
  'ServicePort.protocol':
    '{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {selector: {a: b}, ports: [{port: 1, protocol: %}]}}',
  'ServiceSpec.type': service('type: %'),
  'ServiceSpec.sessionAffinity': service('sessionAffinity: %'),
  'ServiceSpec.externalTrafficPolicy': service('type: NodePort, externalTrafficPolicy: %'),
  'ServiceSpec.ipFamilyPolicy': service('ipFamilyPolicy: %'),
  'ServiceSpec.internalTrafficPolicy': service('internalTrafficPolicy: %'),
  'Toleration.effect': pod('tolerations: [{key: k, operator: Exists, effect: %}]'),
  'TopologySpreadConstraint.whenUnsatisfiable': pod(
    'topologySpreadConstraints: [{maxSkew: 1, topologyKey: k, whenUnsatisfiable: %}]',
  ),
  'TopologySpreadConstraint.nodeAffinityPolicy': pod(SPREAD('nodeAffinityPolicy: %')),
  'TopologySpreadConstraint.nodeTaintsPolicy': pod(SPREAD('nodeTaintsPolicy: %')),
  'VolumeMount.mountPropagation': pod(
    'volumes: [{name: v, emptyDir: {}}]',
    'volumeMounts: [{name: v, mountPath: /v, mountPropagation: %}]',
  ),
  'HTTPIngressPath.pathType':
    '{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a}, spec: {rules: [{http: {paths: [{path: /, pathType: %, backend: {service: {name: s, port: {number: 1}}}}]}}]}}',
  'NetworkPolicyPort.protocol':
    '{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}, spec: {podSelector: {}, ingress: [{ports: [{port: 1, protocol: %}]}]}}',
  'NetworkPolicySpec.policyTypes':
    '{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}, spec: {podSelector: {}, policyTypes: [%]}}',
  'PodDisruptionBudgetSpec.unhealthyPodEvictionPolicy':
    '{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: a}, spec: {selector: {}, minAvailable: 1, unhealthyPodEvictionPolicy: %}}',
}

interface Enums {
  readonly fields: Readonly<
    Record<string, Readonly<Record<string, { readonly closed: boolean; readonly values: readonly string[] }>>>
  >
}

/** By `Definition.field`, the values of fields that take no others. */
function closedValues(data: string): ReadonlyMap<string, readonly string[]> {
  const { fields } = JSON.parse(readFileSync(`${data}/k8s-openapi-enums.json`, 'utf8')) as Enums
  return new Map(
    Object.entries(fields).flatMap(([definition, list]) =>
      Object.entries(list)
        .filter(([, { closed }]) => closed)
        .map(([field, { values }]) => [`${definition.split('.').at(-1)}.${field}`, values] as const),
    ),
  )
}

describe('the values that the API server supports', {
  skip: sharedData === undefined && 'needs the official enums',
}, () => {
  const official = sharedData === undefined ? new Map<string, readonly string[]>() : closedValues(sharedData)
  const messages = async (manifest: string, value: string) =>
    (await readManifests([{ name: 'a.yaml', text: manifest.replace('%', value) }])).diagnostics.map(
      ({ message }) => message,
    )

  for (const [name, manifest] of Object.entries(MANIFESTS)) {
    test(name, async () => {
      const values = official.get(name)
      assert.ok(values, 'no such field in the official enums')
      const told = await messages(manifest, 'Nonsense')
      const found = told.find(message => message.includes('"Nonsense"'))
      assert.ok(found, told.join('\n'))
      const listed = found.split('supported values: ')[1]
      if (listed === undefined) {
        // The API server lists none for this field: then each official value must be accepted.
        const reason = found.slice(found.lastIndexOf(': '))
        for (const value of values)
          assert.ok(!(await messages(manifest, value)).some(text => text.endsWith(reason)), value)
        return
      }
      const supported = [...listed.matchAll(/"([^"]*)"/g)].map(match => match[1]!)
      const known = (list: readonly string[]) => list.filter(value => value !== '').toSorted()
      assert.deepEqual(known(supported), known(values))
    })
  }
})
