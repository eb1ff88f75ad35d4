import assert from 'node:assert/strict'
import test from 'node:test'
import { errorsIn, indented } from '../../../test/support/findings.ts'
import { readManifests } from '../read.ts'

/** A pod whose one container has these fields, and whose spec has those. */
function pod(container: string, spec = '', image = 'image: busybox'): string {
  return `apiVersion: v1
kind: Pod
metadata: { name: web }
spec:
  containers:
  - name: main
${indented(`${image}\n${container}`, 4)}
${indented(spec, 2)}
`
}

const labelForm =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

const subdomainForm =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

async function check(cases: readonly (readonly [string, ...string[]])[]): Promise<void> {
  for (const [text, ...expected] of cases) assert.deepEqual(await errorsIn(text), expected, text)
}

test('a good pod has no errors', async () => {
  await check([[pod('')], [pod('ports: [{ containerPort: 80, hostPort: 8080, name: http }]')]])
})

test('containers', async () => {
  const at = 'spec.containers[0]'
  await check([
    [pod('', '', ''), `${at}.image: Required value`],
    [pod('', '', 'image: ""'), `${at}.image: Required value`],
    [
      pod('', '', 'image: " busybox"'),
      `${at}.image: Invalid value: " busybox": must not have leading or trailing whitespace`,
    ],
    [
      pod('imagePullPolicy: always'),
      `${at}.imagePullPolicy: Unsupported value: "always": supported values: "Always", "IfNotPresent", "Never"`,
    ],
    [
      pod('terminationMessagePolicy: Logs'),
      `${at}.terminationMessagePolicy: Unsupported value: "Logs": supported values: "File", "FallbackToLogsOnError"`,
    ],
    ['apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}', 'spec.containers: Required value'],
    ['apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}', 'spec.containers: Required value'],
    ['apiVersion: v1\nkind: Pod\nmetadata: {name: a}', 'spec.containers: Required value'],
    [
      'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: A_b, image: c}, {name: x, image: c}, {name: x, image: c}]}',
      `spec.containers[0].name: Invalid value: "A_b": ${labelForm}`,
      'spec.containers[2].name: Duplicate value: "x"',
    ],
    [
      'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a.b, image: c}]}',
      'spec.containers[0].name: Invalid value: "a.b": must not contain dots',
    ],
  ])
})

test('ports', async () => {
  const at = 'spec.containers[0].ports[0]'
  const range = 'must be between 1 and 65535, inclusive'
  await check([
    [pod('ports: [{}]'), `${at}.containerPort: Required value`],
    [pod('ports: [{containerPort: 0}]'), `${at}.containerPort: Required value`],
    [pod('ports: [{containerPort: 70000}]'), `${at}.containerPort: Invalid value: 70000: ${range}`],
    [pod('ports: [{containerPort: 80, hostPort: -1}]'), `${at}.hostPort: Invalid value: -1: ${range}`],
    [
      pod('ports: [{containerPort: 80, protocol: tcp}]'),
      `${at}.protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"`,
    ],
    [
      pod('ports: [{containerPort: 80, name: a-very-long-name}]'),
      `${at}.name: Invalid value: "a-very-long-name": must be no more than 15 bytes`,
    ],
    [
      pod('ports: [{containerPort: 80, name: "80"}]'),
      `${at}.name: Invalid value: "80": must contain at least one letter (a-z)`,
    ],
    [
      pod('ports: [{containerPort: 80, name: x}, {containerPort: 81, name: x}]'),
      'spec.containers[0].ports[1].name: Duplicate value: "x"',
    ],
    [
      pod('ports: [{containerPort: 80, hostPort: 80}, {containerPort: 81, hostPort: 80}]'),
      'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//80"',
    ],
    [pod('ports: [{containerPort: 80, hostPort: 80}, {containerPort: 81, hostPort: 80, protocol: UDP}]')],
    [
      pod('ports: [{containerPort: 80, hostPort: 81}]', 'hostNetwork: true'),
      `${at}.hostPort: Invalid value: 81: must match \`containerPort\` when \`hostNetwork\` is true`,
    ],
    [pod('ports: [{containerPort: 80}]', 'hostNetwork: true')],
  ])
})

test('environment', async () => {
  const at = 'spec.containers[0].env[0]'
  await check([
    [pod('env: [{value: a}]'), `${at}.name: Required value`],
    [pod('env: [{name: "", value: a}]'), `${at}.name: Required value`],
    [pod('env: [{name: "1 A-b", value: a}]')],
    [
      pod('env: [{name: "A=B"}]'),
      `${at}.name: Invalid value: "A=B": a valid environment variable name must consist only of printable ASCII characters other than '='`,
    ],
    [
      pod('env: [{name: A, value: b, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]'),
      `${at}.valueFrom: Invalid value: "": may not be specified when \`value\` is not empty`,
    ],
    [
      pod('env: [{name: A, valueFrom: {}}]'),
      `${at}.valueFrom: Invalid value: "": must specify one of: \`fieldRef\`, \`resourceFieldRef\`, \`configMapKeyRef\` or \`secretKeyRef\``,
    ],
    [
      pod('env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.nam}}}]'),
      `${at}.valueFrom.fieldRef.fieldPath: Invalid value: "metadata.nam": error converting fieldPath: field label not supported: metadata.nam`,
    ],
    [
      pod('env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.phase}}}]'),
      `${at}.valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"`,
    ],
    [pod(`env: [{name: A, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app.kubernetes.io/name']"}}}]`)],
    [
      pod('env: [{name: A, valueFrom: {configMapKeyRef: {name: b}}}]'),
      `${at}.valueFrom.configMapKeyRef.key: Required value`,
    ],
    [
      pod('env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 10m}}}]'),
      `${at}.valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor's values 1m and 1 are supported with the cpu resource`,
    ],
    [
      pod('envFrom: [{prefix: x}]'),
      'spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
    ],
    [pod('envFrom: [{configMapRef: {}}]'), 'spec.containers[0].envFrom[0].configMapRef.name: Required value'],
  ])
})

test('a variable from a file is from an emptyDir of the pod', async () => {
  const env = 'env: [{ name: A, valueFrom: { fileKeyRef: { volumeName: v, path: p, key: K } } }]'
  const at = 'spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName'
  await check([
    [pod(env, 'volumes: [{ name: v, emptyDir: {} }]')],
    [pod(env, 'volumes: [{ name: v }]')],
    [pod(env), `${at}: Not found: "v"`],
    [
      pod(env, 'volumes: [{ name: v, secret: { secretName: s } }]'),
      `${at}: Invalid value: "v": must be an emptyDir volume`,
    ],
  ])
})

test('volumes and their mounts', async () => {
  const at = 'spec.containers[0].volumeMounts[0]'
  const volume = (source: string): string => pod('', `volumes: [{name: v, ${source}}]`)
  const mount = (fields: string): string =>
    pod(`volumeMounts: [{name: v, mountPath: /v, ${fields}}]`, 'volumes: [{name: v, emptyDir: {}}]')
  await check([
    [pod('volumeMounts: [{name: v, mountPath: /v}]'), `${at}.name: Not found: "v"`],
    [pod('volumeMounts: [{name: v}]', 'volumes: [{name: v}]'), `${at}.mountPath: Required value`],
    [
      pod('volumeMounts: [{name: v, mountPath: /v}, {name: v, mountPath: /v}]', 'volumes: [{name: v, emptyDir: {}}]'),
      'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/v": must be unique',
    ],
    [mount('subPath: ../etc'), `${at}.subPath: Invalid value: "../etc": must not contain '..'`],
    [mount('subPath: /etc'), `${at}.subPath: Invalid value: "/etc": must be a relative path`],
    [
      mount('subPath: a, subPathExpr: $(A)'),
      `${at}.subPathExpr: Invalid value: "$(A)": subPathExpr and subPath are mutually exclusive`,
    ],
    [
      mount('mountPropagation: Bidirectional'),
      `${at}.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers`,
    ],
    [
      mount('recursiveReadOnly: Enabled'),
      `${at}.recursiveReadOnly: Forbidden: may only be specified when readOnly is true`,
    ],
    [
      pod('', 'volumes: [{name: v, emptyDir: {}}, {name: v, emptyDir: {}}]'),
      'spec.volumes[1].name: Duplicate value: "v"',
    ],
    [
      volume('emptyDir: {}, hostPath: {path: /v}'),
      'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
    ],
    [volume('hostPath: {}'), 'spec.volumes[0].hostPath.path: Required value'],
    [
      volume('hostPath: {path: /a/../b}'),
      `spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain '..'`,
    ],
    [
      volume('hostPath: {path: /a, type: Dir}'),
      'spec.volumes[0].hostPath.type: Unsupported value: "Dir": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
    ],
    [volume('configMap: {}'), 'spec.volumes[0].configMap.name: Required value'],
    [volume('secret: {}'), 'spec.volumes[0].secret.secretName: Required value'],
    [
      volume('secret: {secretName: s, defaultMode: 644}'),
      'spec.volumes[0].secret.defaultMode: Invalid value: 644: must be a number between 0 and 0777 (octal), both inclusive',
    ],
    [volume('secret: {secretName: s, defaultMode: 0644}')],
    [
      volume('configMap: {name: c, items: [{key: a, path: ..a}]}'),
      `spec.volumes[0].configMap.items[0].path: Invalid value: "..a": must not start with '..'`,
    ],
    [volume('configMap: {name: c, items: [{path: a}]}'), 'spec.volumes[0].configMap.items[0].key: Required value'],
    [
      volume('downwardAPI: {items: [{path: a}]}'),
      'spec.volumes[0].downwardAPI.items[0]: Required value: one of fieldRef and resourceFieldRef is required',
    ],
    [
      volume(
        'projected: {sources: [{configMap: {name: a, items: [{key: k, path: p}]}}, {secret: {name: a, items: [{key: k, path: p}]}}]}',
      ),
      'spec.volumes[0].projected: Invalid value: "p": conflicting duplicate paths',
    ],
    [
      volume('projected: {sources: [{serviceAccountToken: {path: t, expirationSeconds: 60}}]}'),
      'spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes',
    ],
    [
      pod('volumeDevices: [{name: v, devicePath: /dev/x}]', 'volumes: [{name: v, emptyDir: {}}]'),
      'spec.containers[0].volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
    ],
  ])
})

test('resources', async () => {
  const at = 'spec.containers[0].resources'
  await check([
    [
      pod('resources: {requests: {cpu: 2}, limits: {cpu: 1}}'),
      `${at}.requests: Invalid value: "2": must be less than or equal to cpu limit of 1`,
    ],
    [pod('resources: {requests: {memory: 1Gi}, limits: {memory: 1024Mi}}')],
    [
      pod('resources: {limits: {memory: -1}}'),
      `${at}.limits.memory: Invalid value: "-1": must be greater than or equal to 0`,
    ],
    [
      pod('resources: {limits: {mem: 1}}'),
      `${at}.limits.mem: Invalid value: "mem": must be a standard resource type or fully qualified`,
      `${at}.limits.mem: Invalid value: "mem": must be a standard resource for containers`,
    ],
    [
      pod('resources: {requests: {nvidia.com/gpu: 1}}'),
      `${at}.limits: Required value: Limit must be set for non overcommitable resources`,
    ],
    [pod('resources: {limits: {nvidia.com/gpu: 1}}')],
    [pod('resources: {limits: {hugepages-2Mi: 4Mi}}'), `${at}: Forbidden: HugePages require cpu or memory`],
  ])
})

test('probes and hooks', async () => {
  const at = 'spec.containers[0]'
  await check([
    [pod('livenessProbe: {}'), `${at}.livenessProbe: Required value: must specify a handler type`],
    [
      pod('livenessProbe: {exec: {command: [a]}, tcpSocket: {port: 1}}'),
      `${at}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type`,
    ],
    [pod('livenessProbe: {exec: {}}'), `${at}.livenessProbe.exec.command: Required value`],
    [
      pod('livenessProbe: {exec: {command: [a]}, successThreshold: 2}'),
      `${at}.livenessProbe.successThreshold: Invalid value: 2: must be 1`,
    ],
    [pod('readinessProbe: {exec: {command: [a]}, successThreshold: 2}')],
    [
      pod('readinessProbe: {exec: {command: [a]}, periodSeconds: -1}'),
      `${at}.readinessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0`,
    ],
    [
      pod('readinessProbe: {httpGet: {port: 0}}'),
      `${at}.readinessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive`,
    ],
    [
      pod('readinessProbe: {httpGet: {port: 80, scheme: http}}'),
      `${at}.readinessProbe.httpGet.scheme: Unsupported value: "http": supported values: "HTTP", "HTTPS"`,
    ],
    [pod('readinessProbe: {httpGet: {path: /}}'), `${at}.readinessProbe.httpGet.port: Required value`],
    [
      pod('readinessProbe: {grpc: {port: 0}, failureThreshold: -1}'),
      `${at}.readinessProbe.grpc.port: Invalid value: 0: must be between 1 and 65535, inclusive`,
      `${at}.readinessProbe.failureThreshold: Invalid value: -1: must be greater than or equal to 0`,
    ],
    [
      pod('lifecycle: {postStart: {httpGet: {port: 80, httpHeaders: [{name: "A b", value: c}]}}}'),
      `${at}.lifecycle.postStart.httpGet.httpHeaders: Invalid value: "A b": a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')`,
    ],
    [
      pod('restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [42]}}]'),
      `${at}.restartPolicy: Required value: must specify restartPolicy when restart rules are used`,
    ],
    [
      pod('restartPolicy: Never\nrestartPolicyRules: [{action: Retry, exitCodes: {operator: Is, values: [42]}}]'),
      `${at}.restartPolicyRules[0].action: Unsupported value: "Retry": supported values: "Restart", "RestartAllContainers"`,
      `${at}.restartPolicyRules[0].exitCodes.operator: Unsupported value: "Is": supported values: "In", "NotIn"`,
    ],
    [pod('lifecycle: {preStop: {}}'), `${at}.lifecycle.preStop: Required value: must specify a handler type`],
    [
      pod('lifecycle: {preStop: {sleep: {seconds: 60}}}'),
      `${at}.lifecycle.preStop.sleep: Invalid value: 60: must be non-negative and less than terminationGracePeriodSeconds (30)`,
    ],
    [
      pod('', 'initContainers: [{name: i, image: b, livenessProbe: {exec: {command: [a]}}}]'),
      'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
    ],
    [pod('', 'initContainers: [{name: i, image: b, restartPolicy: Always, livenessProbe: {exec: {command: [a]}}}]')],
    [pod('', 'initContainers: [{name: main, image: b}]'), 'spec.initContainers[0].name: Duplicate value: "main"'],
  ])
})

test('what the kernel takes as the end of a string', async () => {
  const detail = 'must not contain a NUL character'
  await check([
    [pod('command: [sh, "a\\0b"]'), `spec.containers[0].command[1]: Invalid value: "a\\u0000b": ${detail}`],
    [
      pod('env: [{name: A, value: "\\0"}]', 'volumes: [{name: v, hostPath: {path: "/a\\0"}}]'),
      `spec.containers[0].env[0].value: Invalid value: "\\u0000": ${detail}`,
      `spec.volumes[0].hostPath.path: Invalid value: "/a\\u0000": ${detail}`,
    ],
  ])
})

test('security contexts', async () => {
  const at = 'spec.containers[0].securityContext'
  await check([
    [
      pod('securityContext: {runAsUser: -1}'),
      `${at}.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive`,
    ],
    [
      // The kernel takes the largest for "no change", which is root.
      pod('securityContext: {runAsUser: 4294967295}'),
      `${at}.runAsUser: Invalid value: 4294967295: must be between 0 and 2147483647, inclusive`,
    ],
    [
      pod('securityContext: {allowPrivilegeEscalation: false, privileged: true}'),
      `${at}: Invalid value: {"allowPrivilegeEscalation":false,"privileged":true}: cannot set \`allowPrivilegeEscalation\` to false and \`privileged\` to true`,
    ],
    [
      pod('securityContext: {seccompProfile: {type: Localhost}}'),
      `${at}.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost`,
    ],
    [
      pod('securityContext: {procMount: Unmasked}'),
      `${at}.procMount: Invalid value: "Unmasked": \`hostUsers\` must be false to use \`Unmasked\``,
    ],
    [
      pod('', 'securityContext: {sysctls: [{name: net.a, value: "1"}, {name: net.a, value: "1"}]}'),
      'spec.securityContext.sysctls[1].name: Duplicate value: "net.a"',
    ],
    [
      pod('', 'hostNetwork: true\nsecurityContext: {sysctls: [{name: net.a, value: "1"}]}'),
      `spec.securityContext.sysctls[0].name: Invalid value: "net.a": may not be specified when 'hostNetwork' is true`,
    ],
    [
      pod('', 'shareProcessNamespace: true\nhostPID: true'),
      'spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled',
    ],
    [pod('', 'hostUsers: false\nhostIPC: true'), 'spec.hostIPC: Forbidden: when `pod.Spec.HostUsers` is false'],
  ])
})

test('the rest of the pod spec', async () => {
  await check([
    [
      pod('', 'restartPolicy: always'),
      'spec.restartPolicy: Unsupported value: "always": supported values: "Always", "OnFailure", "Never"',
    ],
    [pod('', 'dnsPolicy: None'), 'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
    [
      pod('', 'dnsConfig: {nameservers: [1.2.3]}'),
      'spec.dnsConfig.nameservers[0]: Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
    [pod('', 'dnsConfig: {nameservers: ["::1"], searches: [".", a_b.c.]}')],
    [
      pod('stdin: true\nstdinOnce: true', 'runtimeClassName: A'),
      `spec.runtimeClassName: Invalid value: "A": ${subdomainForm}`,
    ],
    [
      pod('', 'securityContext: {fsGroupChangePolicy: Never}'),
      'spec.securityContext.fsGroupChangePolicy: Unsupported value: "Never": supported values: "Always", "OnRootMismatch"',
    ],
    [pod('', 'hostname: a.b'), 'spec.hostname: Invalid value: "a.b": must not contain dots'],
    [
      pod('', 'activeDeadlineSeconds: 0'),
      'spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive',
    ],
    [pod('', 'hostAliases: [{hostnames: [a]}]'), 'spec.hostAliases[0].ip: Required value'],
    [
      pod('', 'tolerations: [{effect: NoSchedule}]'),
      'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ],
    [
      pod('', 'affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}}}'),
      'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term',
    ],
    [
      pod('', 'topologySpreadConstraints: [{maxSkew: 0, topologyKey: a, whenUnsatisfiable: X}]'),
      'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
      'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "X": supported values: "DoNotSchedule", "ScheduleAnyway"',
    ],
  ])
})

test('metadata', async () => {
  const meta = (fields: string): string => `apiVersion: v1\nkind: ServiceAccount\nmetadata: ${fields}`
  await check([
    [meta('{}'), 'metadata.name: Required value: name or generateName is required'],
    ['apiVersion: v1\nkind: ServiceAccount', 'metadata.name: Required value: name or generateName is required'],
    [meta('{generateName: a-}')],
    [meta('{name: My_Pod}'), `metadata.name: Invalid value: "My_Pod": ${subdomainForm}`],
    [
      meta(`{name: ${'a'.repeat(254)}}`),
      `metadata.name: Invalid value: "${'a'.repeat(200 - 1)}...: must be no more than 253 bytes`,
    ],
    [
      meta('{name: a, labels: {a: "b c"}}'),
      `metadata.labels: Invalid value: "b c": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
    ],
    [
      meta('{name: a, annotations: {/x: b}}'),
      'metadata.annotations: Invalid value: "/x": prefix part must be non-empty',
    ],
    [
      meta('{name: a, finalizers: [x]}'),
      'metadata.finalizers[0]: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified',
    ],
  ])
})

test('a name that no image can have is a warning, as an API server takes it', async () => {
  const warnings = async (image: string) => {
    const { diagnostics } = await readManifests([{ name: 'a.yaml', text: pod('', '', `image: ${image}`) }])
    return diagnostics.map(({ severity, code, path, position }) => [severity, code, path.at(-1), position?.line])
  }
  const all = ['nginx', 'nginx:1.27', 'localhost:5000/a/b@sha256:'.concat('a'.repeat(64)), 'Registry.example/a', '"b:"']
  const found = await Promise.all(all.map(warnings))
  const expected = ['warning', 'InvalidImageName', 'image']
  assert.deepEqual(
    found.map(list => list.map(item => item.slice(0, 3))),
    [[], [], [], [], [expected]],
  )
  for (const image of ['Nginx', 'https://docker.io/nginx', 'a//b', 'a:b:c', 'a@sha256:1', '"a b"']) {
    const [first] = await warnings(image)
    assert.deepEqual(first?.slice(0, 3), expected, image)
    assert.ok(Number(first?.[3]) > 0)
  }
})
