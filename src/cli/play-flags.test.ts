import assert from 'node:assert/strict'
import test from 'node:test'
import type { V1Pod } from '@kubernetes/client-node'
import { KubeError } from '../diagnostic.ts'
import type { ManifestObject } from '../manifest/types.ts'
import { withFlags } from './play-flags.ts'

function podWith(name: string, ports: readonly object[] | undefined): ManifestObject {
  const container = { name: 'web', image: 'web:1', ...(ports === undefined ? {} : { ports }) }
  const value = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { containers: [container, { name: 'log', image: 'log:1' }] },
  }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    namespace: 'default',
    name,
    value,
    file: 'web.yaml',
  } as unknown as ManifestObject
}

/** The ports of each container of the first object. */
function portsOf(objects: readonly ManifestObject[]): unknown {
  const pod = objects[0]?.value as unknown as V1Pod
  return pod.spec?.containers.map(({ ports }) => ports)
}

test('--publish overrides the hostPort of a listed port', () => {
  const edited = withFlags([podWith('web', [{ containerPort: 80, hostPort: 8080 }])], { publish: ['127.0.0.1:81:80'] })
  assert.deepEqual(portsOf(edited), [[{ containerPort: 80, hostPort: 81, hostIP: '127.0.0.1' }], undefined])
})

test('a port can be published more than once', () => {
  const edited = withFlags([podWith('web', [{ containerPort: 80, name: 'http' }])], { publish: ['81:80', '82:80'] })
  assert.deepEqual(portsOf(edited), [
    [
      { containerPort: 80, name: 'http', hostPort: 81 },
      { containerPort: 80, name: 'http', hostPort: 82 },
    ],
    undefined,
  ])
})

test('a port that no container lists is published, and another protocol of the same number stays', () => {
  const edited = withFlags([podWith('web', [{ containerPort: 53, hostPort: 5353, protocol: 'UDP' }])], {
    publish: ['5354:53/tcp'],
  })
  assert.deepEqual(portsOf(edited), [
    [
      { containerPort: 53, hostPort: 5353, protocol: 'UDP' },
      { containerPort: 53, protocol: 'TCP', hostPort: 5354 },
    ],
    undefined,
  ])
  assert.deepEqual(portsOf(withFlags([podWith('web', undefined)], { publish: ['80'] })), [
    [{ containerPort: 80, protocol: 'TCP', hostPort: 80 }],
    undefined,
  ])
})

test('of several pods, a port has to be listed by the one that is meant', () => {
  const objects = [podWith('web', [{ containerPort: 80 }]), podWith('db', undefined)]
  assert.deepEqual(portsOf(withFlags(objects, { publish: ['81:80'] })), [
    [{ containerPort: 80, hostPort: 81 }],
    undefined,
  ])
  assert.throws(
    () => withFlags(objects, { publish: ['82:81'] }),
    (error: unknown) => error instanceof KubeError && error.message === '--publish: no container has port 81/TCP',
  )
})

test('a range of ports', () => {
  const edited = withFlags([podWith('web', undefined)], { publish: ['8000-8001:80-81/udp'] })
  assert.deepEqual(portsOf(edited), [
    [
      { containerPort: 80, protocol: 'UDP', hostPort: 8000 },
      { containerPort: 81, protocol: 'UDP', hostPort: 8001 },
    ],
    undefined,
  ])
  for (const wrong of ['8000-8001:80', '80-79', '0', '65535-65536', '-', 'x:1'])
    assert.throws(() => withFlags([podWith('web', undefined)], { publish: [wrong] }), /not a port/)
})

test("--network and --userns are the pod spec's fields, and other modes are told what there is", () => {
  const specOf = (flags: object) => (withFlags([podWith('web', undefined)], flags)[0]!.value as unknown as V1Pod).spec
  assert.equal(specOf({ network: 'host' })?.hostNetwork, true)
  assert.equal(specOf({ net: 'bridge' })?.hostNetwork, undefined)
  assert.equal(specOf({ userns: 'auto' })?.hostUsers, false)
  assert.equal(specOf({ userns: 'host' })?.hostUsers, true)
  for (const flags of [{ network: 'none' }, { network: 'pasta:-t,80' }, { userns: 'keep-id' }])
    assert.throws(() => specOf(flags), { exitStatus: 2 })
})

test('annotations have the form of annotations; --configmap files hold ConfigMaps', () => {
  const failing = (flags: Parameters<typeof withFlags>[1]): string => {
    try {
      withFlags([podWith('web', undefined)], flags)
    } catch (error) {
      return error instanceof KubeError && error.exitStatus === 2 ? error.message : String(error)
    }
    return ''
  }
  assert.match(failing({ annotation: ['bad key!=x'] }), /^--annotation: "bad key!": name part must consist of/)
  assert.equal(failing({ annotation: ['x'] }), '--annotation: not NAME=VALUE: x')
  assert.equal(failing({ annotation: ['Example.com/Who=a=b,c'] }), '')
  assert.equal(failing({ configmap: ['web.yaml'] }), '--configmap: web.yaml holds a Pod')
})
