import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withBindings } from './bound-volumes.ts'
import { objectView, type RecordedObject } from './object-view.ts'

function record(kind: string, name: string, namespace: string, spec: object): RecordedObject {
  const value = { apiVersion: 'v1', kind, metadata: { name }, spec }
  return { apiVersion: 'v1', kind, name, namespace, uid: `uid-${name}`, createdAt: '2026-01-02T03:04:05Z', value }
}

test('a claim and its volume name each other; others stay free', () => {
  const accessModes = ['ReadWriteMany']
  const objects = [
    record('PersistentVolumeClaim', 'mine', 'test', { accessModes, resources: { requests: { storage: '1Gi' } } }),
    record('PersistentVolume', 'small', '', { accessModes, capacity: { storage: '1Mi' } }),
    record('PersistentVolume', 'large', '', { accessModes, capacity: { storage: '5Gi' } }),
  ]
  const views = objects.map(object => objectView(object, { children: [], pods: [], nowMs: 0 }))
  const [claim, small, large] = withBindings(views, objects)
  assert.deepEqual(claim?.spec, {
    accessModes,
    resources: { requests: { storage: '1Gi' } },
    volumeMode: 'Filesystem',
    volumeName: 'large',
  })
  assert.deepEqual(claim?.status, { accessModes, capacity: { storage: '5Gi' }, phase: 'Bound' })
  assert.deepEqual(small?.status, { phase: 'Available' })
  assert.deepEqual(large?.status, { phase: 'Bound' })
  const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: 'mine', namespace: 'test', uid: 'uid-mine' }
  assert.deepEqual(Reflect.get(large?.spec ?? {}, 'claimRef'), claimRef)
})
