import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1Volume } from '@kubernetes/client-node'
import { findingsOf, podOf } from './fixture.ts'

/** Whether a volume can be mounted there. */
function isRefused(mountPath: string, source: Omit<V1Volume, 'name'>): boolean {
  const findings = findingsOf(
    podOf({ volumeMounts: [{ name: 'v', mountPath }] }, { volumes: [{ name: 'v', ...source }] }),
  )
  if (findings.length === 0) return false
  assert.deepEqual(findings, ['spec.containers.0.volumeMounts.0.mountPath: FieldNotSupported'])
  return true
}

const places = (source: Omit<V1Volume, 'name'>) =>
  [
    '/',
    '//',
    '/proc',
    '/x/../proc/',
    'proc/sys',
    '/proc/meminfo',
    '/dev',
    '/dev/',
    '/dev/shm',
    '/sys',
    '/sys/fs/cgroup',
    '/process',
  ].filter(place => isRefused(place, source))

test('where no volume can be mounted', () => {
  const everywhere = ['/', '//', '/proc', '/x/../proc/', 'proc/sys', '/dev', '/dev/']
  assert.deepEqual(places({ emptyDir: {} }), everywhere)
  assert.deepEqual(places({ hostPath: { path: '/dev' } }), ['/', '//', '/proc', '/x/../proc/', 'proc/sys'])
  assert.deepEqual(places({ hostPath: { path: '/proc/' } }), ['/', '//', 'proc/sys'])
})
