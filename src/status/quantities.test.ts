import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalQuantities } from './quantities.ts'

test('quantities are shown in their canonical text', () => {
  const spec = {
    containers: [
      {
        resources: { limits: { cpu: 1, memory: '1024Mi' }, requests: { cpu: 0.1, memory: 100_000, 'a.b/c': '3' } },
        env: [{ name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: 0.001 } } }],
      },
    ],
    volumes: [{ name: 'v', emptyDir: { sizeLimit: '0.5Gi' } }],
  }
  assert.deepEqual(canonicalQuantities(spec), {
    containers: [
      {
        resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m', memory: '100k', 'a.b/c': '3' } },
        env: [{ name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } }],
      },
    ],
    volumes: [{ name: 'v', emptyDir: { sizeLimit: '512Mi' } }],
  })
})

test('the limits of a LimitRange are a list', () => {
  const spec = { limits: [{ type: 'Container', max: { cpu: 2 }, default: { memory: '2048Ki' } }] }
  const expected = { limits: [{ type: 'Container', max: { cpu: '2' }, default: { memory: '2Mi' } }] }
  assert.deepEqual(canonicalQuantities(spec), expected)
})

test('labels that are named like quantities stay as they are', () => {
  const template = { metadata: { labels: { sizeLimit: '1024Mi' }, annotations: { divisor: '1000m' } } }
  assert.equal(canonicalQuantities(template), template)
})
