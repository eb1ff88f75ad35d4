import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { cgroupVersion, makeCgroup, removeCgroup } from '../../src/host/runtime/cgroups.ts'
import { lacking } from '../support/need.ts'

test('a cgroup goes with what a failed runtime left in it', { skip: lacking() }, () => {
  const path = `/kube-test-${process.pid}`
  makeCgroup(`${path}/pod`, [{ controller: 'pids', file: 'pids.max', value: '10' }])
  const top = '/sys/fs/cgroup'
  const hierarchies = cgroupVersion() === 2 ? [top] : readdirSync(top).map(name => `${top}/${name}`)
  const made = () => hierarchies.filter(hierarchy => existsSync(`${hierarchy}${path}`))
  assert.equal(made().length, 1)
  for (const hierarchy of made()) mkdirSync(`${hierarchy}${path}/pod/container/inner`, { recursive: true })
  removeCgroup(`${path}/pod`)
  assert.deepEqual(made(), [])
  removeCgroup(`${path}/pod`)
})
