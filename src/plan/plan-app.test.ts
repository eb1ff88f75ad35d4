import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manifest, podOf } from './fixture.ts'
import { type PlanOptions, planApp } from './plan-app.ts'

function template(container: object = {}) {
  return {
    metadata: { labels: { app: 'web' }, annotations: { note: 'x' } },
    spec: { containers: [{ name: 'web', image: 'web:1', ...container }] },
  }
}

function workload(kind: string, spec: object, container: object = {}) {
  const apiVersion = kind === 'Job' ? 'batch/v1' : 'apps/v1'
  const selector = kind === 'Job' ? {} : { selector: { matchLabels: { app: 'web' } } }
  return manifest({
    apiVersion,
    kind,
    metadata: { name: 'web' },
    spec: { ...selector, ...spec, template: template(container) },
  })
}

function names(...objects: Parameters<typeof planApp>[0][number][]) {
  return planApp(objects).pods.map(pod => pod.name)
}

test('the pods of a Deployment', () => {
  const { pods, diagnostics } = planApp([workload('Deployment', { replicas: 3 })])
  assert.deepEqual(diagnostics, [])
  assert.equal(new Set(pods.map(pod => pod.name)).size, 3)
  for (const { name, pod, owner } of pods) {
    const hash = pod.metadata?.labels?.['pod-template-hash']
    assert.match(name, new RegExp(`^web-${hash}-[bcdfghjklmnpqrstvwxz2456789]{5}$`))
    assert.deepEqual(pod.metadata?.labels, { app: 'web', 'pod-template-hash': hash })
    assert.deepEqual(pod.metadata?.annotations, { note: 'x' })
    assert.equal(pod.metadata?.ownerReferences?.[0]?.kind, 'ReplicaSet')
    assert.equal(pod.metadata?.ownerReferences?.[0]?.name, `web-${hash}`)
    assert.equal(pod.metadata?.generateName, `web-${hash}-`)
    assert.equal(pod.spec?.enableServiceLinks, true)
    assert.deepEqual(owner, { kind: 'Deployment', name: 'web' })
  }
})

test('the same Deployment gives the same plan; scaling keeps the pods there are; another template gives others', () => {
  const three = names(workload('Deployment', { replicas: 3 }))
  assert.deepEqual(names(workload('Deployment', { replicas: 3 })), three)
  assert.deepEqual(names(workload('Deployment', { replicas: 5 })).slice(0, 3), three)
  assert.deepEqual(names(workload('Deployment', {})), three.slice(0, 1))
  const other = names(workload('Deployment', { replicas: 3 }, { image: 'web:2' }))
  assert.ok(other.every(name => !three.includes(name)))
  assert.deepEqual(names(workload('Deployment', { replicas: 0 })), [])
})

test('a thousand replicas have a thousand names', () => {
  assert.equal(new Set(names(workload('Deployment', { replicas: 1000 }))).size, 1000)
})

test('more pods than a machine has room for are refused, not counted', () => {
  const refusedAt = (object: ReturnType<typeof workload>) => {
    const { pods, diagnostics } = planApp([object])
    assert.deepEqual(pods, [])
    return diagnostics.map(({ code, path }) => `${path?.join('.')}: ${code}`)
  }
  const most = 2 ** 31 - 1
  for (const kind of ['Deployment', 'ReplicaSet', 'StatefulSet'])
    assert.deepEqual(refusedAt(workload(kind, { replicas: most })), ['spec.replicas: FieldNotSupported'])
  const job = { completions: most, parallelism: most }
  assert.deepEqual(refusedAt(workload('Job', job)), ['spec.parallelism: FieldNotSupported'])
  assert.equal(names(workload('Job', { completions: 2, parallelism: most })).length, 2)
})

test('a long name is cut so that the pod name fits', () => {
  const long = { ...workload('ReplicaSet', { replicas: 1 }), name: 'n'.repeat(63) }
  assert.equal(names(long)[0]?.length, 63)
})

test('a DaemonSet has one pod, a ReplicaSet its replicas', () => {
  assert.equal(names(workload('DaemonSet', {})).length, 1)
  assert.equal(names(workload('ReplicaSet', { replicas: 2 })).length, 2)
})

test('the claims of a StatefulSet are found and handed on', () => {
  const spec = {
    volumeClaimTemplates: [{ metadata: { name: 'd' }, spec: { resources: { requests: { storage: '1Mi' } } } }],
  }
  const { pods, claims, diagnostics } = planApp([workload('StatefulSet', spec)])
  assert.deepEqual(diagnostics, [])
  assert.deepEqual(
    claims.map(claim => claim.metadata?.name),
    ['d-web-0'],
  )
  const [volume] = pods[0]?.volumes ?? []
  assert.equal(volume?.kind === 'claim' && volume.sizeBytes, 2 ** 20)
})

test('objects that are no workloads make no pods', () => {
  const service = manifest({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: {} })
  assert.deepEqual(planApp([service]), { pods: [], later: [], idle: [], claims: [], diagnostics: [] })
})

test('objects of earlier apps are found', () => {
  const pod = podOf({ envFrom: [{ configMapRef: { name: 'cfg' } }] })
  const cfg = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cfg', namespace: 'default' }, data: { A: '1' } }
  assert.deepEqual(planApp([manifest(pod)], { existing: [cfg] }).diagnostics, [])
  const elsewhere = { ...cfg, metadata: { name: 'cfg', namespace: 'other' } }
  assert.equal(planApp([manifest(pod)], { existing: [elsewhere] }).diagnostics.length, 1)
})

test('an object that is rejected is not said to be missing, and how it was before counts for nothing', () => {
  const pod = podOf({
    envFrom: [{ configMapRef: { name: 'cfg' } }, { secretRef: { name: 'sec' } }],
    env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'cfg', key: 'new' } } }],
  })
  const cfg = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cfg', namespace: 'default' }, data: { A: '1' } }
  const told = (rejected: PlanOptions['rejected'] = []) =>
    planApp([manifest(pod)], { existing: [cfg], rejected }).diagnostics.map(({ message }) => message)
  const key = "couldn't find key new in ConfigMap cfg"
  assert.deepEqual(told(), ['secret "sec" not found', key])
  const rejected = { kind: 'ConfigMap', namespace: 'default', name: 'cfg' }
  assert.deepEqual(told([rejected]), ['secret "sec" not found'])
  assert.deepEqual(told([{ ...rejected, namespace: 'other' }]), ['secret "sec" not found', key])
  assert.deepEqual(told([rejected, { kind: 'Secret', namespace: 'default', name: 'sec' }]), [])
  assert.deepEqual(told([{}]), [])
})

test("a template's finding is told once, where it stands", () => {
  const missing = { envFrom: [{ configMapRef: { name: 'none' } }] }
  const { diagnostics } = planApp([workload('Deployment', { replicas: 3 }, missing)])
  assert.deepEqual(diagnostics, [
    {
      severity: 'error',
      code: 'ObjectNotFound',
      message: 'configmap "none" not found',
      path: ['spec', 'template', 'spec', 'containers', 0, 'envFrom', 0, 'configMapRef', 'name'],
      file: 'app.yaml',
      document: 0,
      position: { line: 1, column: 1 },
    },
  ])
})

const onPort = (hostPort: number, more: object = {}) => podOf({ ports: [{ containerPort: 80, hostPort, ...more }] })
const other = (pod: object) => ({ ...pod, metadata: { name: 'other' } })

test('two pods cannot have one host port', () => {
  const codes = (a: object, b: object) => planApp([manifest(a), manifest(other(b))]).diagnostics.map(({ code }) => code)
  assert.deepEqual(codes(onPort(8080), onPort(8080)), ['HostPortConflict'])
  assert.deepEqual(codes(onPort(8080), onPort(8080, { hostIP: '127.0.0.1' })), ['HostPortConflict'])
  assert.deepEqual(codes(onPort(8080), onPort(8081)), [])
  assert.deepEqual(codes(onPort(8080), onPort(8080, { protocol: 'UDP' })), [])
  assert.deepEqual(codes(onPort(8080, { hostIP: '127.0.0.1' }), onPort(8080, { hostIP: '127.0.0.2' })), [])
})

test('nor can the replicas of one Deployment, and it says why', () => {
  const ports = { ports: [{ containerPort: 80, hostPort: 8080 }] }
  const { diagnostics } = planApp([workload('Deployment', { replicas: 3 }, ports)])
  assert.equal(diagnostics.length, 1)
  assert.deepEqual(diagnostics[0]?.path, ['spec', 'template', 'spec', 'containers', 0, 'ports', 0, 'hostPort'])
  assert.match(diagnostics[0]?.hint ?? '', /replicas/)
})

test('two objects cannot make pods of one name', () => {
  const set = workload('ReplicaSet', { replicas: 1 })
  const [name = ''] = names(set)
  const { diagnostics } = planApp([manifest({ ...podOf(), metadata: { name } }), set])
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ['FieldValueDuplicate'],
  )
})

test('planning the same objects again gives the same bytes', () => {
  const objects = [manifest(podOf()), workload('Deployment', { replicas: 2 })]
  assert.equal(JSON.stringify(planApp(objects)), JSON.stringify(planApp(structuredCloneable(objects))))
})

function structuredCloneable(objects: readonly ReturnType<typeof manifest>[]) {
  return objects.map(object => manifest(structuredClone(object.value)))
}

test('what an API server adds does not make another pod', () => {
  const token = {
    name: 'kube-api-access-x',
    projected: {
      sources: [
        { serviceAccountToken: { path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      ],
    },
  }
  const written = podOf({}, { volumes: [token] })
  const seen = {
    ...written,
    metadata: { ...written.metadata, uid: 'u', resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z' },
    status: { phase: 'Running' },
  }
  const [first, second] = [written, seen].map(pod => planApp([manifest(pod)]))
  assert.deepEqual(first?.diagnostics, [])
  assert.equal(second?.pods[0]?.hash, first?.pods[0]?.hash)
})

test('a pod with a generateName gets its name from its content', () => {
  const pod = (image: string) => ({ ...podOf({ image }), metadata: { generateName: 'job-' } })
  const [name] = names(manifest(pod('a')))
  assert.match(name ?? '', /^job-[a-z0-9]{5}$/)
  assert.deepEqual(names(manifest(pod('a'))), [name])
  assert.notDeepEqual(names(manifest(pod('b'))), [name])
  const both = names(manifest(pod('a')), manifest(pod('a')))
  assert.equal(both[0], name)
  assert.equal(new Set(both).size, 2)
})

test('a workload with a generateName gets its name from its content', () => {
  const spec = { template: template() }
  const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { generateName: 'run-' }, spec }
  const [first, second] = [1, 2].map(() => planApp([manifest(job)]).pods[0])
  assert.match(first?.name ?? '', /^run-[a-z0-9]{5}-[a-z0-9]{5}$/)
  assert.equal(first?.owner?.name, first?.name.slice(0, -6))
  assert.equal(second?.name, first?.name)
})
