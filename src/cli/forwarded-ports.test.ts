import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PodPlan } from '../plan/types.ts'
import { forwardedPorts } from './forwarded-ports.ts'

const ports = [
  { name: 'http', containerPort: 8080 },
  { name: 'dns', containerPort: 53, protocol: 'UDP' },
]
const plan = { name: 'web', members: [{ name: 'main', container: { ports } }] } as unknown as PodPlan

test('numbers and names of a pod', () => {
  assert.deepEqual(forwardedPorts(['80', '8081:80', ':80', '0:80', 'http', '9:http'], plan), [
    { local: 80, remote: 80 },
    { local: 8081, remote: 80 },
    { local: 0, remote: 80 },
    { local: 0, remote: 80 },
    { local: 8080, remote: 8080 },
    { local: 9, remote: 8080 },
  ])
})

test("a Service's ports lead to those they target", () => {
  const spec = {
    ports: [
      { name: 'web', port: 80, targetPort: 'http' },
      { name: 'same', port: 90 },
      { name: 'other', port: 100, targetPort: 1000 },
    ],
  }
  const service = { metadata: { name: 'front' }, spec }
  assert.deepEqual(forwardedPorts(['80', 'web', '1:same', '100'], plan, service), [
    { local: 80, remote: 8080 },
    { local: 80, remote: 8080 },
    { local: 1, remote: 90 },
    { local: 100, remote: 1000 },
  ])
  assert.deepEqual(forwardedPorts(['80'], plan, { ...service, spec: { ...spec, clusterIP: 'None' } }), [
    { local: 80, remote: 80 },
  ])
  assert.throws(() => forwardedPorts(['81'], plan, service), /Service front does not have a service port 81/)
})

test('what is no port', () => {
  for (const text of ['', ':', '1:2:3', '80:', '0', '70000', '70000:80', 'x:80', 'nobody'])
    assert.throws(() => forwardedPorts([text], plan), { exitStatus: 2 }, text)
  assert.throws(() => forwardedPorts(['53'], plan), /UDP protocol is not supported for 53/)
})
