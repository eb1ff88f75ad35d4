import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1Pod } from '@kubernetes/client-node'
import { findingsOf, firstMember, planOf, podOf } from './fixture.ts'

function annotated(annotations: Readonly<Record<string, string>>, pod: V1Pod = podOf()): V1Pod {
  return { ...pod, metadata: { name: 'web', annotations } }
}

test('limits for one container or all', () => {
  const plan = planOf(
    annotated({
      'io.podman.annotations.pids-limit/web': '100',
      'io.podman.annotations.cpuset/web': '0-1',
      'io.podman.annotations.memory-nodes': '0',
      'io.podman.annotations.ulimit': 'nofile=10:20,nproc=-1',
    }),
  )
  const { resources, security } = firstMember(plan)
  assert.equal(resources.pidsLimit, 100)
  assert.equal(resources.cpuset, '0-1')
  assert.equal(resources.memoryNodes, '0')
  assert.deepEqual(security.rlimits, [
    { name: 'nofile', soft: 10, hard: 20 },
    { name: 'nproc', soft: Number.MAX_SAFE_INTEGER, hard: Number.MAX_SAFE_INTEGER },
  ])
})

test('values that make no sense', () => {
  const codes = (name: string, value: string) => findingsOf(annotated({ [`io.podman.annotations.${name}`]: value }))
  assert.deepEqual(codes('pids-limit/web', 'many'), [
    'metadata.annotations.io.podman.annotations.pids-limit/web: FieldValueInvalid',
  ])
  assert.deepEqual(codes('pids-limit/none', '1'), [
    'metadata.annotations.io.podman.annotations.pids-limit/none: FieldValueInvalid',
  ])
  assert.equal(codes('cpuset/web', '0;1').length, 1)
  assert.equal(codes('ulimit', 'files=1').length, 1)
  assert.equal(codes('volumes-from/web', 'none').length, 1)
})

test('volumes of another container', () => {
  const volumeMounts = [
    { name: 'v', mountPath: '/a' },
    { name: 'v', mountPath: '/b' },
  ]
  const pod = podOf(
    { volumeMounts: [{ name: 'v', mountPath: '/b', readOnly: true }] },
    {
      volumes: [{ name: 'v', emptyDir: {} }],
      initContainers: [{ name: 'src', image: 'x', volumeMounts }],
    },
  )
  const plan = planOf(annotated({ 'io.podman.annotations.volumes-from/web': 'src:ro' }, pod))
  assert.deepEqual(
    plan.members[1]?.mounts.map(({ destination, readOnly }) => `${destination} ${readOnly}`),
    ['/b true', '/a true'],
  )
})

test('a user namespace', () => {
  assert.equal(planOf(annotated({ 'io.podman.annotations.userns': 'auto' })).infra.namespaces.user, 'owns')
  assert.equal(planOf(annotated({ 'io.podman.annotations.userns': 'host' })).userNamespace, false)
  assert.deepEqual(findingsOf(annotated({ 'io.podman.annotations.userns': 'keep-id' })), [
    'metadata.annotations.io.podman.annotations.userns: AnnotationNotSupported',
  ])
})

test('what has no effect is told, and other annotations are left alone', () => {
  const annotations = { 'io.containers.autoupdate/web': 'registry', 'example.com/x': 'y', plain: 'z' }
  assert.deepEqual(findingsOf(annotated(annotations)), [
    'metadata.annotations.io.containers.autoupdate/web: AnnotationUnused',
  ])
})

test('what podman writes with --podman-only is not passed over in silence', () => {
  const severities = (name: string) => findingsOf(annotated({ [`io.podman.annotations.${name}`]: 'TRUE' }))
  for (const name of ['privileged', 'init', 'seccomp', 'apparmor', 'label', 'publish-all', 'kube.image.volumes.mount'])
    assert.deepEqual(severities(`${name}/web`), [
      `metadata.annotations.io.podman.annotations.${name}/web: AnnotationNotSupported`,
    ])
  for (const name of ['autoremove', 'cid-file', 'checkpoint.name'])
    assert.deepEqual(severities(`${name}/web`), [
      `metadata.annotations.io.podman.annotations.${name}/web: AnnotationUnused`,
    ])
})
