import assert from 'node:assert/strict'
import test from 'node:test'
import { errorsIn } from '../../../test/support/findings.ts'
import { readManifests } from '../read.ts'

async function check(cases: readonly (readonly [string, ...string[]])[]): Promise<void> {
  for (const [text, ...expected] of cases) assert.deepEqual(await errorsIn(text), expected, text)
}

function object(type: string, body: string, name = 'web'): string {
  const at = type.lastIndexOf('/')
  return `apiVersion: ${type.slice(0, at)}\nkind: ${type.slice(at + 1)}\nmetadata: {name: ${name}}\n${body}\n`
}

const service = (spec: string): string => object('v1/Service', `spec: {${spec}}`)

test('Service', async () => {
  await check([
    [service('ports: [{port: 80}]')],
    [service('clusterIP: None')],
    [service('selector: {a: b}'), 'spec.ports: Required value'],
    [service('ports: [{}]'), 'spec.ports[0].port: Required value'],
    [service('ports: [{port: 0}]'), 'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive'],
    [service('ports: [{port: 80}, {port: 81, name: b}]'), 'spec.ports[0].name: Required value'],
    [
      service('ports: [{port: 80, name: a}, {port: 80, name: b}]'),
      'spec.ports[1]: Duplicate value: {"port":80,"protocol":"TCP"}',
    ],
    [service('ports: [{port: 53, name: a}, {port: 53, name: b, protocol: UDP}]')],
    [
      service('ports: [{port: 80, nodePort: 30000}]'),
      "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ],
    [
      service('type: NodePort, ports: [{port: 80, nodePort: 80}]'),
      'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
    ],
    [
      service('type: Cluster, ports: [{port: 80}]'),
      'spec.type: Unsupported value: "Cluster": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
    [service('type: ExternalName'), 'spec.externalName: Required value'],
    [
      service('type: LoadBalancer, clusterIP: None, ports: [{port: 80}]'),
      'spec.clusterIP: Invalid value: "None": may not be set to \'None\' for LoadBalancer services',
    ],
    [
      service('clusterIP: 10.0.0.1, clusterIPs: [10.0.0.2], publishNotReadyAddresses: true, ports: [{port: 80}]'),
      'spec.clusterIPs: Invalid value: ["10.0.0.2"]: first value must match `clusterIP`',
    ],
    [
      service('sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 0}}, ports: [{port: 80}]'),
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400',
    ],
    [
      service('externalTrafficPolicy: Local, ports: [{port: 80}]'),
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
    ],
    [
      service('loadBalancerClass: a/b, ports: [{port: 80}]'),
      "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ],
    [
      object('v1/Service', 'spec: {ports: [{port: 80}]}', '1web'),
      "metadata.name: Invalid value: \"1web\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
    ],
  ])
})

test('ConfigMap and Secret', async () => {
  const secret = (body: string): string => object('v1/Secret', body)
  await check([
    [
      object('v1/ConfigMap', 'data: {"a b": c}'),
      "data.a b: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')".replace(
        'data.a b',
        'data[a b]',
      ),
    ],
    [object('v1/ConfigMap', 'data: {..: c}'), 'data[..]: Invalid value: "..": must not be \'..\''],
    [
      object('v1/ConfigMap', 'data: {a: b}\nbinaryData: {a: Yg==}'),
      'data.a: Invalid value: "a": duplicate of key present in binaryData',
    ],
    [
      object('v1/ConfigMap', 'binaryData: {a: "b$"}'),
      'binaryData.a: Invalid value: "<redacted>": illegal base64 data at input byte 1',
    ],
    [
      object('v1/ConfigMap', `data: {a: "${'x'.repeat(1024 * 1024 + 1)}"}`),
      ': Too long: may not be more than 1048576 bytes',
    ],
    [secret('data: {a: YQ==, b: "YWI=\\n"}')],
    [secret('data: {a: plain}'), 'data.a: Invalid value: "<redacted>": illegal base64 data at input byte 4'],
    [secret('type: kubernetes.io/tls\nstringData: {tls.crt: a}'), 'data[tls.key]: Required value'],
    [
      secret('type: kubernetes.io/dockerconfigjson\nstringData: {.dockerconfigjson: "x"}'),
      'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": must be a JSON object',
    ],
    [secret('type: kubernetes.io/basic-auth'), 'data.username: Required value', 'data.password: Required value'],
  ])
})

test("podman's annotations of claims that have no counterpart are told", async () => {
  const annotated = (name: string): string =>
    `apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: a\n  annotations: {volume.podman.io/${name}: x}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n`
  for (const [name, codes] of [
    ['import-source', ['AnnotationNotSupported']],
    ['type', ['AnnotationNotSupported']],
    ['uid', []],
    ['other', []],
  ] as const) {
    const { diagnostics } = await readManifests([{ name: 'x', text: annotated(name) }])
    assert.deepEqual(
      diagnostics.map(({ code }) => code),
      codes,
    )
  }
})

test('claims, volumes and classes', async () => {
  const claim = (spec: string): string => object('v1/PersistentVolumeClaim', `spec: {${spec}}`)
  const volume = (spec: string): string => object('v1/PersistentVolume', `spec: {${spec}}`)
  const good = 'accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}'
  await check([
    [claim('accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}')],
    [
      claim('accessModes: [RWO]'),
      'spec.resources.storage: Required value',
      'spec.accessModes: Unsupported value: "RWO": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
    ],
    [
      claim('resources: {requests: {storage: 0}}'),
      'spec.accessModes: Required value: at least 1 access mode is required',
      'spec.resources.storage: Invalid value: "0": must be greater than zero',
    ],
    [volume(`${good}, hostPath: {path: /a}`)],
    [volume(good), 'spec: Required value: must specify a volume type'],
    [volume(`${good}, local: {path: /a}`), 'spec.nodeAffinity: Required value: Local volume requires node affinity'],
    [
      volume(`${good}, hostPath: {path: /}, persistentVolumeReclaimPolicy: Recycle`),
      "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'",
    ],
    [object('storage.k8s.io/v1/StorageClass', 'parameters: {a: b}'), 'provisioner: Required value'],
    [
      object('scheduling.k8s.io/v1/PriorityClass', 'value: 2000000000'),
      'value: Forbidden: maximum allowed value of a user defined priority is 1000000000',
    ],
  ])
})

test('Ingress and NetworkPolicy', async () => {
  const ingress = (spec: string): string => object('networking.k8s.io/v1/Ingress', `spec: {${spec}}`)
  const path = (fields: string): string => ingress(`rules: [{http: {paths: [{${fields}}]}}]`)
  const backend = 'backend: {service: {name: web, port: {number: 80}}}'
  const policy = (spec: string): string => object('networking.k8s.io/v1/NetworkPolicy', `spec: {${spec}}`)
  const at = 'spec.rules[0].http.paths[0]'
  await check([
    [path(`path: /, pathType: Prefix, ${backend}`)],
    [ingress(''), 'spec: Invalid value: []: either `defaultBackend` or `rules` must be specified'],
    [path(`path: /, ${backend}`), `${at}.pathType: Required value`],
    [path(`path: a, pathType: Exact, ${backend}`), `${at}.path: Invalid value: "a": must be an absolute path`],
    [
      path('pathType: ImplementationSpecific, backend: {service: {name: web}}'),
      `${at}.backend.service.port: Required value: port name or number is required`,
    ],
    [
      path('pathType: ImplementationSpecific, backend: {serviceName: web, servicePort: 80}'),
      `${at}.backend: Required value: resource or service backend is required`,
      `unknown field "${at}.backend.serviceName"`,
      `unknown field "${at}.backend.servicePort"`,
    ],
    [
      ingress(`rules: [{host: 1.2.3.4}], defaultBackend: {service: {name: web, port: {number: 80}}}`),
      'spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
    ],
    [policy('podSelector: {}, ingress: [{from: [{namespaceSelector: {}, podSelector: {}}]}]')],
    [
      policy('podSelector: {}, ingress: [{from: [{}]}]'),
      'spec.ingress[0].from[0]: Required value: must specify a peer',
    ],
    [
      policy('podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.0.0.0/33}}]}]'),
      'spec.egress[0].to[0].ipBlock.cidr: Invalid value: "10.0.0.0/33": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
    [
      policy('podSelector: {}, ingress: [{ports: [{port: 80, endPort: 79}]}]'),
      'spec.ingress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`',
    ],
  ])
})

test('policies and roles', async () => {
  await check([
    [
      object(
        'autoscaling/v2/HorizontalPodAutoscaler',
        'spec: {maxReplicas: 1, minReplicas: 2, scaleTargetRef: {kind: Deployment, name: a}}',
      ),
      'spec.maxReplicas: Invalid value: 1: must be greater than or equal to `minReplicas`',
    ],
    [
      object('policy/v1/PodDisruptionBudget', 'spec: {minAvailable: 1, maxUnavailable: 1}'),
      'spec: Invalid value: "": minAvailable and maxUnavailable cannot be both set',
    ],
    [
      object('rbac.authorization.k8s.io/v1/Role', 'rules: [{apiGroups: [""], resources: [pods]}]', 'system:web'),
      'rules[0].verbs: Required value: verbs must contain at least one value',
    ],
    [
      object(
        'rbac.authorization.k8s.io/v1/ClusterRoleBinding',
        'roleRef: {kind: Role, name: a, apiGroup: rbac.authorization.k8s.io}\nsubjects: [{kind: ServiceAccount, name: a}]',
      ),
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
      'subjects[0].namespace: Required value',
    ],
  ])
})
