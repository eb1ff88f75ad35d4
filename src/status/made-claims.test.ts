import assert from 'node:assert/strict'
import { test } from 'node:test'
import { madeClaims } from './made-claims.ts'
import type { RecordedObject } from './object-view.ts'
import type { PodObject } from './pod-object.ts'

const CREATED = '2026-01-02T03:04:05Z'
const TEMPLATE = { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } } } }

function record(kind: string, name: string, spec: object): RecordedObject {
  const metadata = { name, namespace: 'test' }
  const value = { apiVersion: 'v1', kind, metadata, spec }
  return { apiVersion: 'v1', kind, ...metadata, uid: name, createdAt: CREATED, value }
}

const SET = record('StatefulSet', 'db', {
  selector: { matchLabels: { app: 'db' } },
  template: {},
  volumeClaimTemplates: [{ metadata: { name: 'data' }, ...TEMPLATE }],
})

const POD = {
  metadata: { name: 'web', namespace: 'test', uid: 'u', creationTimestamp: CREATED },
  spec: { volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate: TEMPLATE } }] },
} as unknown as PodObject

function claims(objects: readonly RecordedObject[], names: readonly string[], pods: readonly PodObject[] = []) {
  const volumes = names.map(name => ({ namespace: 'test', name, createdAt: CREATED }))
  return madeClaims({ objects, pods, volumes, nowMs: 0 })
}

test('each volume of a template is a claim, scaled down or not', () => {
  const [claim, ...more] = claims([SET], ['data-db-7', 'data-other-0', 'mine'])
  assert.deepEqual(more, [])
  assert.equal(claim?.metadata.name, 'data-db-7')
  assert.deepEqual(claim?.metadata.labels, { app: 'db' })
  assert.deepEqual(claim?.status, { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, phase: 'Bound' })
})

test('the volume of an ephemeral one belongs to its pod', () => {
  const [claim] = claims([], [], [POD])
  assert.equal(claim?.metadata.ownerReferences?.[0]?.name, 'web')
})

test('what a manifest says of a claim counts', () => {
  assert.deepEqual(claims([SET, record('PersistentVolumeClaim', 'data-db-0', {})], ['data-db-0']), [])
})
