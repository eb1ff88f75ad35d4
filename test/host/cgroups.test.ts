import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
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
  assert.deepEqual(
    made().filter(hierarchy => existsSync(`${hierarchy}${path}/pod`)),
    [],
  )
  assert.equal(made().length, 1, 'the parent may be in use')
  removeCgroup(path)
  assert.deepEqual(made(), [])
  removeCgroup(path)
})

const versionOne = cgroupVersion() === 1 && 'cgroup version 1'

test('in a container with processes in its root, room is made for limits', { skip: lacking() || versionOne }, () => {
  const path = `/kube-test-nested-${process.pid}`
  const limits = [
    { controller: 'memory', file: 'memory.max', value: '20971520' },
    { controller: 'pids', file: 'pids.max', value: '20' },
  ] as const
  // So that the root below has something to hand on.
  makeCgroup(`${path}/any`, limits)
  removeCgroup(path)
  const top = `/sys/fs/cgroup${path}`
  mkdirSync(top)
  const module = new URL('../../src/host/runtime/cgroups.ts', import.meta.url).pathname
  const code = `(await import(${JSON.stringify(module)})).makeCgroup('/inner/pod', ${JSON.stringify(limits)})`
  const inside = 'mount -t cgroup2 none /sys/fs/cgroup; "$@"'
  const script =
    'echo $$ >"$0"/cgroup.procs; exec unshare --cgroup --mount sh -ec "$1" sh "$2" --input-type=module -e "$3"'
  execFileSync('sh', ['-c', script, top, inside, process.execPath, code], { stdio: 'inherit' })
  assert.equal(readFileSync(`${top}/inner/pod/memory.max`, 'utf8'), '20971520\n')
  assert.equal(readFileSync(`${top}/inner/pod/pids.max`, 'utf8'), '20\n')
  assert.ok(existsSync(`${top}/init`))
  removeCgroup(path)
  assert.ok(!existsSync(top))
})
