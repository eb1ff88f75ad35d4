import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1PodSpec } from '@kubernetes/client-node'
import { KubeError } from '../diagnostic.ts'
import { firstMember, planOf, podOf } from './fixture.ts'
import { resolveUser } from './user.ts'

const passwd = `root:x:0:0:root:/root:/bin/sh
bob:x:1000:1001:Bob:/home/bob:/bin/sh
2000:x:3000:3000::/numeric:/bin/sh
broken
nohome:x:1500:1500:::
`
const group = `root:x:0:
bob:x:1001:
wheel:x:10:root,bob
audio:x:63:bob
`

function resolve(
  imageUser: string | undefined,
  security: V1PodSpec['securityContext'] = {},
  files = { passwd, group },
) {
  const plan = planOf(podOf({}, { securityContext: security }))
  const image = { env: [], ...(imageUser === undefined ? {} : { user: imageUser }) }
  return resolveUser(plan, firstMember(plan), image, files)
}

function failure(run: () => unknown): KubeError {
  try {
    run()
  } catch (error) {
    if (error instanceof KubeError) return error
  }
  throw new Error('it did not fail')
}

test('no user at all is root, with the groups of root', () => {
  assert.deepEqual(resolve(undefined), { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' })
})

test('an image without passwd still has root', () => {
  assert.deepEqual(resolve('', {}, { passwd: '', group: '' }), { uid: 0, gid: 0, additionalGids: [0], home: '/root' })
})

test('a user name gives its ids, groups and home', () => {
  assert.deepEqual(resolve('bob'), { uid: 1000, gid: 1001, additionalGids: [1001, 10, 63], home: '/home/bob' })
})

test('a group in the image replaces the one of passwd', () => {
  assert.deepEqual(resolve('bob:audio').gid, 63)
  assert.deepEqual(resolve('bob:77').gid, 77)
})

test('numeric ids need no passwd entry', () => {
  assert.deepEqual(resolve('4000'), { uid: 4000, gid: 0, additionalGids: [0], home: '/' })
  assert.deepEqual(resolve('4000:5000'), { uid: 4000, gid: 5000, additionalGids: [5000], home: '/' })
})

test('a name of digits is a name first', () => {
  assert.equal(resolve('2000').uid, 3000)
})

test('an entry without a home has the root directory', () => {
  assert.equal(resolve('nohome').home, '/')
})

test('runAsUser and runAsGroup win over the image, and its group no longer counts', () => {
  assert.deepEqual(resolve('4000:5000', { runAsUser: 1000 }), {
    uid: 1000,
    gid: 1001,
    additionalGids: [1001, 10, 63],
    home: '/home/bob',
  })
  assert.deepEqual(resolve('bob', { runAsUser: 7, runAsGroup: 8 }), { uid: 7, gid: 8, additionalGids: [8], home: '/' })
  assert.equal(resolve('bob', { runAsGroup: 8 }).gid, 8)
})

test('supplementalGroups and fsGroup are added; Strict leaves out those of the image', () => {
  assert.deepEqual(resolve('bob', { supplementalGroups: [5, 63], fsGroup: 99 }).additionalGids, [1001, 10, 63, 5, 99])
  const strict = { supplementalGroups: [5], supplementalGroupsPolicy: 'Strict' }
  assert.deepEqual(resolve('bob', strict).additionalGids, [1001, 5])
})

test('names that the image does not have', () => {
  assert.equal(failure(() => resolve('alice')).code, 'NoSuchUser')
  assert.equal(failure(() => resolve('bob:nogroup')).code, 'NoSuchUser')
  assert.equal(failure(() => resolve('4294967295')).code, 'NoSuchUser')
})

test('runAsNonRoot in the words of the kubelet', () => {
  const nonRoot = { runAsNonRoot: true }
  const root = failure(() => resolve(undefined, nonRoot))
  assert.equal(root.code, 'RunAsNonRoot')
  assert.equal(
    root.message,
    'container has runAsNonRoot and image will run as root (pod: "web_default", container: web)',
  )
  assert.match(failure(() => resolve('0', nonRoot)).message, /image will run as root/)
  assert.match(
    failure(() => resolve('bob', nonRoot)).message,
    /^container has runAsNonRoot and image has non-numeric user \(bob\), cannot verify user is non-root/,
  )
  assert.match(
    failure(() => resolve('bob', { ...nonRoot, runAsUser: 0 })).message,
    /^container's runAsUser breaks non-root policy/,
  )
  assert.equal(resolve('bob', { ...nonRoot, runAsUser: 1000 }).uid, 1000)
  assert.equal(resolve('1000', nonRoot).uid, 1000)
})
