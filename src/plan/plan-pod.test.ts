import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1Pod, V1PodSpec } from '@kubernetes/client-node'
import { findingsOf, firstMember, planOf, podOf } from './fixture.ts'

function namespaces(spec: Partial<V1PodSpec>) {
  const plan = planOf(podOf({}, spec))
  return { infra: plan.infra.namespaces, member: firstMember(plan).namespaces }
}

test('the infra container owns net, ipc and uts; members join them', () => {
  assert.deepEqual(namespaces({}), {
    infra: { net: 'owns', ipc: 'owns', uts: 'owns', pid: 'owns' },
    member: { net: 'joins', ipc: 'joins', uts: 'joins', pid: 'owns', mount: 'owns' },
  })
})

test('shareProcessNamespace', () => {
  assert.equal(namespaces({ shareProcessNamespace: true }).member.pid, 'joins')
})

test("the machine's namespaces", () => {
  assert.deepEqual(namespaces({ hostNetwork: true, hostPID: true, hostIPC: true }), {
    infra: { net: 'host', ipc: 'host', uts: 'host', pid: 'host' },
    member: { net: 'host', ipc: 'host', uts: 'host', pid: 'host', mount: 'owns' },
  })
})

test('hostUsers: false', () => {
  const { infra, member } = namespaces({ hostUsers: false })
  assert.equal(infra.user, 'owns')
  assert.equal(member.user, 'joins')
})

test('members in order, with their roles', () => {
  const plan = planOf(
    podOf(
      {},
      {
        initContainers: [
          { name: 'a', image: 'x' },
          { name: 'b', image: 'x', restartPolicy: 'Always' },
        ],
      },
    ),
  )
  assert.deepEqual(
    plan.members.map(({ name, role }) => `${name} ${role}`),
    ['a init', 'b sidecar', 'web main'],
  )
})

test('host ports are published, but not those of init containers', () => {
  const spec = {
    initContainers: [
      { name: 'init', image: 'x', ports: [{ containerPort: 1, hostPort: 1 }] },
      {
        name: 'side',
        image: 'x',
        restartPolicy: 'Always',
        ports: [{ containerPort: 2, hostPort: 2, hostIP: '127.0.0.1' }],
      },
    ],
  }
  const ports = [
    { containerPort: 80, hostPort: 8080, hostIP: '0.0.0.0' },
    { containerPort: 81 },
    { containerPort: 53, hostPort: 53, protocol: 'UDP' },
  ]
  assert.deepEqual(planOf(podOf({ ports }, spec)).ports, [
    { container: 'side', hostIp: '127.0.0.1', hostPort: 2, containerPort: 2, protocol: 'TCP' },
    { container: 'web', hostIp: '', hostPort: 8080, containerPort: 80, protocol: 'TCP' },
    { container: 'web', hostIp: '', hostPort: 53, containerPort: 53, protocol: 'UDP' },
  ])
})

test('a host port of an IPv6 address cannot be had', () => {
  const ports = ['::1', '::'].map((hostIP, index) => ({ containerPort: 80, hostPort: 80 + index, hostIP }))
  assert.deepEqual(findingsOf(podOf({ ports })), ['spec.containers.0.ports.0.hostIP: FieldNotSupported'])
  assert.deepEqual(
    findingsOf(podOf({ ports: ports.map(port => ({ ...port, containerPort: port.hostPort })) }, { hostNetwork: true })),
    [],
  )
})

test("on the machine's network there is nothing to publish", () => {
  const plan = planOf(podOf({ ports: [{ containerPort: 80 }] }, { hostNetwork: true }))
  assert.deepEqual(plan.ports, [])
  assert.deepEqual(plan.network, { mode: 'host' })
  assert.equal(plan.pod.spec?.containers[0]?.ports?.[0]?.hostPort, 80)
})

test('host names', () => {
  const named = (name: string, spec: Partial<V1PodSpec> = {}): V1Pod => ({ ...podOf({}, spec), metadata: { name } })
  assert.equal(planOf(named('web')).hostname, 'web')
  assert.equal(planOf(named('web', { hostname: 'h' })).hostname, 'h')
  assert.equal(planOf(named(`${'a'.repeat(62)}-b`)).hostname, 'a'.repeat(62))
  const fqdn = { hostname: 'h', subdomain: 's', setHostnameAsFQDN: true }
  assert.equal(planOf(named('web', fqdn)).hostname, 'h.s.default.svc.cluster.local')
  assert.equal(planOf(named('web', { setHostnameAsFQDN: true })).hostname, 'web')
  assert.equal(planOf(named('web', { hostnameOverride: 'a.example.com' })).hostname, 'a.example.com')
  assert.deepEqual(findingsOf(named('web', { ...fqdn, hostname: 'h'.repeat(60) })), [
    'spec.setHostnameAsFQDN: FieldValueInvalid',
  ])
})

test('security: the container over the pod, capabilities, privileged', () => {
  const pod = {
    securityContext: { runAsUser: 1, runAsGroup: 2, runAsNonRoot: true, seccompProfile: { type: 'Unconfined' } },
  }
  const plan = planOf(
    podOf(
      {
        securityContext: {
          runAsUser: 5,
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { add: ['NET_ADMIN', 'cap_sys_time'], drop: ['ALL'] },
        },
      },
      pod,
    ),
  )
  const { security } = firstMember(plan)
  assert.equal(security.user, 5)
  assert.equal(security.group, 2)
  assert.equal(security.runAsNonRoot, true)
  assert.equal(security.noNewPrivileges, true)
  assert.equal(security.readOnlyRootfs, true)
  assert.deepEqual(security.capabilities, ['NET_ADMIN', 'SYS_TIME'])
  assert.deepEqual(security.seccomp, { type: 'Unconfined' })

  const plain = firstMember(planOf(podOf())).security
  assert.equal(plain.capabilities.length, 11)
  assert.deepEqual(plain.seccomp, { type: 'RuntimeDefault' })
  const privileged = firstMember(planOf(podOf({ securityContext: { privileged: true } }))).security
  assert.equal(privileged.capabilities.length, 41)
  assert.deepEqual(privileged.seccomp, { type: 'Unconfined' })
  const dropped = firstMember(
    planOf(podOf({ securityContext: { capabilities: { add: ['ALL'], drop: ['SYS_ADMIN'] } } })),
  )
  assert.equal(dropped.security.capabilities.length, 40)
})

test('what cannot be had is refused where it stands', () => {
  const findings = findingsOf(
    podOf(
      {
        securityContext: { capabilities: { add: ['SUPER'] } },
        resources: { limits: { 'nvidia.com/gpu': '1', 'example.com/none': '0' } },
      },
      {
        os: { name: 'windows' },
        securityContext: {
          sysctls: [
            { name: 'vm.swappiness', value: '1' },
            { name: 'net.ipv4.ip_forward', value: '1' },
          ],
        },
        hostNetwork: true,
        volumes: [{ name: 'n', nfs: { server: 's', path: '/' } }],
      },
    ),
  )
  assert.deepEqual(findings, [
    'spec.os.name: FieldNotSupported',
    'spec.securityContext.sysctls.0.name: FieldNotSupported',
    'spec.securityContext.sysctls.1.name: FieldValueInvalid',
    'spec.containers.0.resources.limits.nvidia.com/gpu: FieldNotSupported',
    'spec.volumes.0.nfs: FieldNotSupported',
    'spec.containers.0.securityContext.capabilities.add.0: FieldValueNotSupported',
  ])
})

test('sysctls go to the infra container, in one spelling', () => {
  const sysctls = [
    { name: 'net.core.somaxconn', value: '1024' },
    { name: 'net/ipv4/conf/eth0.1/forwarding', value: '1' },
  ]
  assert.deepEqual(planOf(podOf({}, { securityContext: { sysctls } })).infra.sysctls, {
    'net.core.somaxconn': '1024',
    'net.ipv4.conf.eth0/1.forwarding': '1',
  })
})

test('the hash follows what decides the effect, and nothing else', () => {
  const map = (data: Readonly<Record<string, string>>) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c' },
    data,
  })
  const volumes = [{ name: 'c', configMap: { name: 'c' } }]
  const pod = (container: object = {}) =>
    podOf({ volumeMounts: [{ name: 'c', mountPath: '/c' }], ...container }, { volumes })
  const base = planOf(pod(), [map({ a: '1' })])

  assert.equal(planOf(pod(), [map({ a: '1' })]).hash, base.hash)
  assert.notEqual(planOf(pod({ command: ['x'] }), [map({ a: '1' })]).hash, base.hash)
  const labelled = { ...pod(), metadata: { name: 'web', labels: { app: 'web', v: '2' } } }
  assert.equal(planOf(labelled, [map({ a: '1' })]).hash, base.hash, 'labels change under a running pod')
  const asking = { 'io.podman.annotations.pids-limit/web': '50' }
  const annotated = { ...pod(), metadata: { name: 'web', annotations: asking } }
  assert.notEqual(planOf(annotated, [map({ a: '1' })]).hash, base.hash, 'what an annotation asks for does not')

  const changed = planOf(pod(), [map({ a: '2' })])
  assert.equal(changed.hash, base.hash)
  assert.notDeepEqual(changed.volumes, base.volumes)

  const pinned = { volumeMounts: [{ name: 'c', mountPath: '/c', subPath: 'a' }] }
  // A subPath mount goes on showing the file that it was made with, as under the kubelet.
  assert.equal(planOf(pod(pinned), [map({ a: '2' })]).hash, planOf(pod(pinned), [map({ a: '1' })]).hash)

  const envFrom = { envFrom: [{ configMapRef: { name: 'c' } }] }
  assert.notEqual(planOf(pod(envFrom), [map({ a: '2' })]).hash, planOf(pod(envFrom), [map({ a: '1' })]).hash)
})

test('pull secrets are read, and no reason to make a pod again', () => {
  const config = (text: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's' },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': text },
  })
  const pod = podOf({}, { imagePullSecrets: [{ name: 's' }] })
  const plan = planOf(pod, [config('{"auths":{}}')])
  assert.deepEqual(plan.registryAuths, ['{"auths":{}}'])
  assert.equal(planOf(pod, [config('{"auths":{"x":{}}}')]).hash, plan.hash)
  assert.deepEqual(findingsOf(pod), ['spec.imagePullSecrets.0.name: ObjectNotFound'])
})
