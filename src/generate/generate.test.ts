import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Diagnostic } from '../diagnostic.ts'
import { printManifest } from '../manifest/print.ts'
import { readManifests } from '../manifest/read.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import { planApp } from '../plan/plan-app.ts'
import { type GenerateRequest, generate } from './generate.ts'
import type { GenerateSource } from './types.ts'
import { convert } from './workload.ts'

const top = fileURLToPath(new URL('../..', import.meta.url))

async function sourceOf(text: string, namespace = 'default'): Promise<GenerateSource> {
  const { objects, diagnostics } = await readManifests([{ name: 'app.yaml', text }], { namespace })
  assert.deepEqual(errors(diagnostics), [])
  const { pods, diagnostics: findings } = planApp(objects, { baseDir: () => '/base' })
  assert.deepEqual(errors(findings), [])
  return { objects: objects.map(object => ({ ...object, app: 'app' })), pods: pods.map(plan => ({ app: 'app', plan })) }
}

function errors(diagnostics: readonly Diagnostic[]): readonly string[] {
  return diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => message)
}

async function generated(text: string, names: readonly string[], more: Partial<GenerateRequest> = {}) {
  return generate({ names, namespace: 'default', ...more }, await sourceOf(text))
}

function summary(objects: readonly KubernetesObject[]): readonly string[] {
  return objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`)
}

const WEB = `
apiVersion: v1
kind: Secret
metadata: {name: creds}
stringData: {password: "0123"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {mode: "on", "script.sh": "#!/bin/sh\\necho  hi \\n"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: unrelated}
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
  annotations: {note: "yes"}
spec:
  containers:
  - name: web
    image: web:1
    command: [serve, "--port=80"]
    env:
    - {name: PASSWORD, valueFrom: {secretKeyRef: {name: creds, key: password}}}
    envFrom: [{configMapRef: {name: settings}}]
    ports:
    - {containerPort: 80, name: http}
    - {containerPort: 53, protocol: UDP}
    volumeMounts: [{name: here, mountPath: /here}]
  volumes:
  - {name: here, hostPath: {path: ./data, type: DirectoryOrCreate}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: dep}
spec:
  replicas: 2
  selector: {matchLabels: {app: dep}}
  template:
    metadata: {labels: {app: dep}}
    spec: {containers: [{name: c, image: "c:1", ports: [{containerPort: 8080}]}]}
`

test('a pod comes with what it refers to, and with nothing else', async () => {
  const { objects } = await generated(WEB, ['web'])
  assert.deepEqual(summary(objects), ['Secret/creds', 'ConfigMap/settings', 'Pod/web'])
  const pod = objects[2] as KubernetesObject & { spec: { volumes: readonly object[] } }
  assert.deepEqual(pod.spec.volumes, [{ name: 'here', hostPath: { path: '/base/data', type: 'DirectoryOrCreate' } }])
  assert.deepEqual(pod.metadata, { name: 'web', labels: { app: 'web' }, annotations: { note: 'yes' } })
})

test('a workload by its name, its kind, or as one of its pods', async () => {
  assert.deepEqual(summary((await generated(WEB, ['dep'])).objects), ['Deployment/dep'])
  assert.deepEqual(summary((await generated(WEB, ['deploy/dep', 'dep'])).objects), ['Deployment/dep'])
  const source = await sourceOf(WEB)
  const name = source.pods.find(({ plan }) => plan.owner?.kind === 'Deployment')!.plan.name
  const { objects } = generate({ names: [name], namespace: 'default' }, source)
  assert.deepEqual(objects, [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { labels: { app: 'dep' }, name },
      spec: { containers: [{ name: 'c', image: 'c:1', ports: [{ containerPort: 8080 }] }] },
    },
  ])
})

test('a whole app is what its manifest said, in its order', async () => {
  const { objects } = await generated(WEB, ['app'])
  assert.deepEqual(summary(objects), [
    'Secret/creds',
    'ConfigMap/settings',
    'ConfigMap/unrelated',
    'Pod/web',
    'Deployment/dep',
  ])
})

test('a Service has a name for each of several ports, and selects by the labels', async () => {
  const { objects } = await generated(WEB, ['web'], { service: true })
  assert.deepEqual(summary(objects), ['Secret/creds', 'ConfigMap/settings', 'Service/web', 'Pod/web'])
  assert.deepEqual((objects[2] as KubernetesObject & { spec: object }).spec, {
    selector: { app: 'web' },
    ports: [
      { name: 'http', port: 80, protocol: 'TCP', targetPort: 80 },
      { name: 'udp-53', port: 53, protocol: 'UDP', targetPort: 53 },
    ],
  })
})

test('a pod without labels gets one for its Service; without ports the Service is headless', async () => {
  const bare = 'apiVersion: v1\nkind: Pod\nmetadata: {name: 1st.pod}\nspec: {containers: [{name: c, image: "c:1"}]}'
  const { objects } = await generated(bare, ['1st.pod'], { service: true })
  assert.deepEqual(objects[0], {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'svc-1st-pod', labels: { app: '1st.pod' } },
    spec: { clusterIP: 'None', selector: { app: '1st.pod' } },
  })
  assert.deepEqual(objects[1]?.metadata.labels, { app: '1st.pod' })
})

const TYPES = ['deployment', 'replicaset', 'statefulset', 'daemonset', 'job', 'pod'] as const

for (const type of TYPES) {
  const isCounted = type !== 'pod' && type !== 'daemonset'
  test(`--type ${type} and a Service read back without an error`, async () => {
    for (const name of ['web', 'dep']) {
      const { objects } = await generated(WEB, [name], { type, service: true, ...(isCounted ? { replicas: 1 } : {}) })
      const text = printManifest(objects)
      const read = await readManifests([{ name: '-', text }])
      assert.deepEqual(errors(read.diagnostics), [], text)
      assert.equal(read.objects.at(-1)?.kind.toLowerCase(), type)
    }
  })
}

test('what another kind cannot say is told', () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web' },
    spec: { restartPolicy: 'Never', activeDeadlineSeconds: 5, containers: [] },
  }
  assert.deepEqual(convert(pod, 'deployment').notes, [
    'Pod web: restartPolicy Never becomes Always, the only one that deployments have',
    'Pod web: activeDeadlineSeconds is left out',
  ])
  assert.deepEqual(convert(pod, 'job').notes, [])
})

test('what a server wrote is left out, what -n said is kept', async () => {
  const live = `
apiVersion: v1
kind: Pod
metadata:
  name: web
  uid: 6f2d7c9a-0000-4000-8000-000000000001
  resourceVersion: "7"
  creationTimestamp: "2026-01-01T00:00:00Z"
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: w, uid: 6f2d7c9a-0000-4000-8000-000000000002}]
  annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}
spec: {containers: [{name: c, image: "c:1"}]}
status: {phase: Running}
`
  const source = await sourceOf(live, 'test')
  const { objects } = generate({ names: ['web'], namespace: 'test' }, source)
  assert.deepEqual(objects, [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'test' },
      spec: { containers: [{ name: 'c', image: 'c:1' }] },
    },
  ])
})

test('a pod of a StatefulSet keeps its name, host name and claim', async () => {
  const set = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "db:1", volumeMounts: [{name: data, mountPath: /data}]}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`
  const { objects } = await generated(set, ['db-0'])
  assert.deepEqual(summary(objects), ['PersistentVolumeClaim/data-db-0', 'Pod/db-0'])
  const { spec } = objects[1] as KubernetesObject & { spec: Record<string, unknown> }
  assert.equal(spec.hostname, 'db-0')
  assert.deepEqual(spec.volumes, [{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-0' } }])
})

test('--replicas is refused for what has none, and is told of where it changes nothing', async () => {
  const text = 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b}]}'
  for (const type of ['pod', 'daemonset'] as const)
    await assert.rejects(generated(text, ['a'], { type, replicas: 3 }), { code: 'Usage' })
  const set = await generated(
    'apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: a}\nspec: {selector: {matchLabels: {a: a}}, template: {metadata: {labels: {a: a}}, spec: {containers: [{name: a, image: b}]}}}',
    ['a'],
    { replicas: 3 },
  )
  assert.deepEqual(set.notes, ['DaemonSet a has no replicas: it stays as it is'])
})

test('a named volume is a claim; a claim that no manifest has is told', async () => {
  const pod = `
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: a, image: b}]
  volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]
`
  const source = { ...(await sourceOf(pod)), volumes: [{ namespace: 'default', name: 'data' }] }
  for (const name of ['data', 'pvc/data', 'volume/data']) {
    const [claim, ...others] = generate({ names: [name], namespace: 'default' }, source).objects
    assert.deepEqual([claim?.kind, claim?.metadata.name, others], ['PersistentVolumeClaim', 'data', []])
    const { diagnostics } = await readManifests([{ name: 'claim', text: printManifest([claim!]) }])
    assert.deepEqual(errors(diagnostics), [])
  }
  assert.deepEqual(generate({ names: ['a'], namespace: 'default' }, source).notes, [
    'Pod a: no manifest has its claim data: for a cluster, `kube generate pvc/data` prints one',
  ])
  assert.deepEqual(generate({ names: ['a', 'data'], namespace: 'default' }, source).notes, [])
  assert.throws(() => generate({ names: ['pvc/data'], namespace: 'other' }, source), { code: 'NotFound' })
})

test('an unknown name tells what there is', async () => {
  await assert.rejects(generated(WEB, ['nothing']), { code: 'NotFound', hint: /there are: app, web, dep-/ })
  await assert.rejects(generated(WEB, ['foo/web']), { code: 'UnknownResource' })
})

const shared = `${top}../shared/data/manifests`
const files = [
  ...globSync(`${top}fixtures/**/*.yaml`),
  ...(existsSync(shared) ? globSync(`${shared}/**/*.{yaml,yml}`) : []),
].sort()

test('the manifests beside the checkout', { skip: existsSync(shared) ? false : 'needs ../shared/data' }, () => {
  assert.ok(files.length > 5)
})

for (const file of files) {
  const text = readFileSync(file, 'utf8')
  test(`${basename(file)} comes back with the same plan, and as the same text each time`, async t => {
    const first = await readManifests([{ name: file, text }], { namespace: 'default' })
    const planned = planApp(first.objects, { baseDir: () => '/base' })
    const wrong = errors([...first.diagnostics, ...planned.diagnostics])
    if (wrong.length > 0) return t.skip(`it cannot be played: ${wrong[0]}`)
    const source: GenerateSource = {
      objects: first.objects.map(object => ({ ...object, app: 'app' })),
      pods: planned.pods.map(plan => ({ app: 'app', plan })),
    }
    const print = () => printManifest(generate({ names: ['app/app'], namespace: 'default' }, source).objects)
    const again = await readManifests([{ name: file, text: print() }], { namespace: 'default' })
    assert.deepEqual(errors(again.diagnostics), [])
    assert.equal(again.objects.length, first.objects.length)
    const replanned = planApp(again.objects)
    assert.deepEqual(
      replanned.pods.map(({ name, hash, volumes }) => ({ name, hash, volumes })),
      planned.pods.map(({ name, hash, volumes }) => ({ name, hash, volumes })),
    )
    assert.equal(print(), print())
  })
}
