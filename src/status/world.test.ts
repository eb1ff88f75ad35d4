import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manifest } from '../plan/fixture.ts'
import { planApp } from '../plan/plan-app.ts'
import type { RecordedObject } from './object-view.ts'
import { podObject } from './pod-object.ts'
import { listKind, type WorldFacts } from './world.ts'

const CREATED = '2026-01-02T03:04:05.678Z'

const DEPLOYMENT = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'api', namespace: 'test' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'api' } },
    template: { metadata: { labels: { app: 'api' } }, spec: { containers: [{ name: 'c', image: 'c:1' }] } },
  },
}
const SECRET = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 's', namespace: 'test' },
  data: { a: 'YQ==' },
  stringData: { b: 'b' },
}

function record(value: typeof DEPLOYMENT | typeof SECRET): RecordedObject {
  const { apiVersion, kind, metadata } = value
  return { apiVersion, kind, ...metadata, uid: `uid-${metadata.name}`, createdAt: CREATED, value }
}

/** A Deployment with two pods, of which `ready` run. */
function facts(ready: number): WorldFacts {
  const { pods } = planApp([manifest(DEPLOYMENT)])
  return {
    objects: [record(DEPLOYMENT), record(SECRET)],
    pods: pods.map((plan, index) =>
      podObject({
        uid: `u${index}`,
        plan,
        createdAt: CREATED,
        removing: false,
        sandboxReady: true,
        podIps: ['10.0.0.2'],
        hostIps: ['192.0.2.1'],
        nodeName: 'node-1',
        ownerUid: 'uid-api',
        containers: index < ready ? { c: { id: 'i', state: 'running' as const, restarts: 0, startedAt: CREATED } } : {},
      }),
    ),
    node: {
      name: 'node-1',
      addresses: ['192.0.2.1'],
      cpus: 4,
      memoryBytes: 2 ** 30,
      version: '1',
      kernelVersion: '6',
      osImage: 'Linux',
      runtimeVersion: 'crun',
      architecture: 'amd64',
      bootedAt: CREATED,
    },
    nowMs: Date.parse(CREATED) + 60_000,
    events: [],
    volumes: [],
  } as WorldFacts
}

test('a Deployment counts its pods', () => {
  const [deployment] = listKind('Deployment', facts(1))
  const status = deployment?.status as Record<string, unknown>
  assert.equal(status.replicas, 2)
  assert.equal(status.readyReplicas, 1)
  assert.equal(status.unavailableReplicas, 1)
})

test('a Deployment is available when enough of its pods are', () => {
  const available = (ready: number) => {
    const status = listKind('Deployment', facts(ready))[0]?.status as { conditions: { type: string; status: string }[] }
    return status.conditions.find(({ type }) => type === 'Available')?.status
  }
  assert.equal(available(2), 'True')
  // 25 percent of two is none.
  assert.equal(available(1), 'False')
})

test('namespaces are those that something is in', () => {
  assert.deepEqual(
    listKind('Namespace', facts(0)).map(({ metadata }) => metadata.name),
    ['default', 'test'],
  )
})

test('a Secret holds its stringData as data', () => {
  const [secret] = listKind('Secret', facts(0)) as readonly object[]
  assert.deepEqual((secret as { data: object }).data, { a: 'YQ==', b: 'Yg==' })
  assert.ok(!('stringData' in secret!))
})

test('the machine is a node', () => {
  const [node] = listKind('Node', facts(0))
  assert.equal(node?.metadata.name, 'node-1')
})
