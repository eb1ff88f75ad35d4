import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1Pod } from '@kubernetes/client-node'
import { expandObject } from './expand.ts'
import { manifest } from './fixture.ts'

function expand(kind: string, spec: object) {
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } }
  const selector = kind === 'Job' ? {} : { selector: { matchLabels: { app: 'web' } } }
  const apiVersion = kind === 'Job' ? 'batch/v1' : 'apps/v1'
  const expansion = expandObject(
    manifest({
      apiVersion,
      kind,
      metadata: { name: 'web', namespace: 'shop' },
      spec: { ...selector, ...spec, template },
    }),
  )
  assert.ok(expansion)
  return expansion
}

test('StatefulSet: ordinals, host names, claims', () => {
  const { pods, claims } = expand('StatefulSet', {
    replicas: 2,
    serviceName: 'db',
    ordinals: { start: 4 },
    volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { resources: { requests: { storage: '1Mi' } } } }],
  })
  assert.deepEqual(
    pods.map(pod => pod.name),
    ['web-4', 'web-5'],
  )
  const pod = pods[0]?.pod as V1Pod
  assert.equal(pod.spec?.hostname, 'web-4')
  assert.equal(pod.spec?.subdomain, 'db')
  assert.equal(pod.metadata?.labels?.['apps.kubernetes.io/pod-index'], '4')
  assert.equal(pod.metadata?.labels?.['statefulset.kubernetes.io/pod-name'], 'web-4')
  assert.deepEqual(pod.spec?.volumes, [{ name: 'data', persistentVolumeClaim: { claimName: 'data-web-4' } }])
  assert.deepEqual(
    claims?.map(claim => `${claim.metadata?.namespace}/${claim.metadata?.name}`),
    ['shop/data-web-4', 'shop/data-web-5'],
  )
})

test('a Job has as many pods as run side by side', () => {
  const count = (spec: object) => expand('Job', spec).pods.length
  assert.equal(count({}), 1)
  assert.equal(count({ parallelism: 3, completions: 5 }), 3)
  assert.equal(count({ parallelism: 3, completions: 2 }), 2)
  assert.equal(count({ suspend: true }), 0)
  const [first] = expand('Job', {}).pods
  assert.equal(first?.pod.metadata?.labels?.['batch.kubernetes.io/job-name'], 'web')
  assert.equal(first?.namespace, 'shop')
})

test('other kinds are no workloads', () => {
  assert.equal(expandObject(manifest({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's' } })), undefined)
})
