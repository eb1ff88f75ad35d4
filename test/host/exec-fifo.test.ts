/** Starting a created container without its runtime, as the runtime itself sees it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { prepareCgroups } from '../../src/host/runtime/cgroups.ts'
import { goAhead } from '../../src/host/runtime/exec-fifo.ts'
import { findProgram } from '../../src/host/sys/find-program.ts'
import { lacking } from '../support/need.ts'

describe('a container that crun has created', { skip: lacking('crun', 'busybox') }, () => {
  const id = `kube-fifo-${process.pid}`
  let dir = ''
  const crun = (...args: readonly string[]) =>
    execFileSync('crun', ['--root', join(dir, 'state'), ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  const statusOf = () => (JSON.parse(crun('state', id)) as { readonly status: string }).status

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'kube-fifo-'))
    prepareCgroups()
    mkdirSync(join(dir, 'rootfs/bin'), { recursive: true })
    for (const name of ['proc', 'sys', 'dev']) mkdirSync(join(dir, 'rootfs', name))
    copyFileSync(findProgram('busybox')!, join(dir, 'rootfs/bin/sleep'))
    execFileSync('crun', ['spec'], { cwd: dir })
    const config = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8')) as {
      readonly process: Record<string, unknown>
      readonly linux: Record<string, unknown>
    }
    const process_ = { ...config.process, terminal: false, args: ['/bin/sleep', '1000'] }
    const linux = { ...config.linux, cgroupsPath: `/${id}` }
    writeFileSync(join(dir, 'config.json'), JSON.stringify({ ...config, process: process_, linux }))
    execFileSync('crun', ['--root', join(dir, 'state'), 'create', '--bundle', dir, id], { stdio: 'ignore' })
  })
  after(() => {
    crun('delete', '--force', id)
    rmSync(dir, { recursive: true, force: true })
  })

  test('runs when it is told to, once', () => {
    assert.equal(statusOf(), 'created')
    assert.equal(goAhead(join(dir, 'state', id)), true)
    assert.equal(statusOf(), 'running')
    assert.equal(goAhead(join(dir, 'state', id)), false)
  })

  test('one that ended before is left to crun', () => {
    crun('delete', '--force', id)
    execFileSync('crun', ['--root', join(dir, 'state'), 'create', '--bundle', dir, id], { stdio: 'ignore' })
    const { pid } = JSON.parse(crun('state', id)) as { readonly pid: number }
    process.kill(pid, 'SIGKILL')
    for (let asked = 0; statusOf() !== 'stopped'; asked++) assert.ok(asked < 1000, 'it does not end')
    assert.equal(goAhead(join(dir, 'state', id)), false)
    assert.equal(goAhead(join(dir, 'state', 'absent')), false)
  })
})
