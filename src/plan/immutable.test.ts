import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubernetesObject } from '../manifest/types.ts'
import { immutableFindings } from './immutable.ts'

const claim = (storage: string, spec: object = {}): KubernetesObject =>
  ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, ...spec },
  }) as KubernetesObject

const said = (next: KubernetesObject, previous: KubernetesObject) =>
  immutableFindings(next, previous).map(({ path, message }) => `${path.join('.')}: ${message}`)

test('a claim can grow, and nothing else', () => {
  assert.deepEqual(said(claim('1Gi'), claim('1024Mi')), [])
  assert.deepEqual(said(claim('2Gi', { volumeMode: 'Filesystem' }), claim('1Gi')), [])
  assert.deepEqual(said(claim('1Mi'), claim('1Gi')), [
    'spec.resources.requests.storage: Forbidden: field can not be less than status.capacity',
  ])
  assert.deepEqual(said(claim('1Gi', { accessModes: ['ReadWriteMany'] }), claim('1Gi')), [
    'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
  ])
})
