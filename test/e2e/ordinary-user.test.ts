/** What the commands say to a user without root's rights. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { busyboxRootfs } from '../support/busybox-rootfs.ts'
import { KUBE } from '../support/instance.ts'
import { pod } from '../support/objects.ts'

const NOBODY = 65_534

/** Root becomes nobody, who may not be able to read the checkout; anybody else is the right user already. */
const isRoot = process.getuid?.() === 0
const identity = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
const canRun = spawnSync(KUBE, ['--version'], { ...identity, cwd: '/' }).status === 0

describe('an ordinary user', { skip: canRun ? false : 'the user nobody cannot read this checkout' }, () => {
  let home: string
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'kube-user-'))
    mkdirSync(join(home, 'run'), { mode: 0o700 })
    writeFileSync(join(home, 'pod.yaml'), JSON.stringify(pod('mine')))
    writeFileSync(join(home, 'rootfs.tar'), busyboxRootfs())
    if (isRoot) for (const path of [home, join(home, 'run')]) chownSync(path, NOBODY, NOBODY)
  })
  after(() => rmSync(home, { recursive: true, force: true }))

  function kube(...args: readonly string[]) {
    return kubeWith({}, ...args)
  }

  function kubeWith(variables: NodeJS.ProcessEnv, ...args: readonly string[]) {
    const env = { PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: join(home, 'run'), ...variables }
    const { status, stdout, stderr } = spawnSync(KUBE, args, { ...identity, env, cwd: home, encoding: 'utf8' })
    return { status, stdout, stderr }
  }

  test('manifests are checked, planned and explained', () => {
    assert.deepEqual(kube('validate', 'pod.yaml').status, 0)
    assert.match(kube('plan', 'pod.yaml').stdout, /pod default\/mine/)
    assert.match(kube('explain', 'pod.spec').stdout, /PodSpec/)
    assert.match(kube('diff', 'pod.yaml').stdout, /\+kind: Pod/)
  })

  test('play says which rights it takes and what to do, and leaves nothing', () => {
    const played = kube('play', 'pod.yaml')
    assert.equal(played.status, 1)
    assert.match(played.stderr, /the rights of root/)
    assert.match(played.stderr, /sudo/)
    assert.match(kube('get', 'pods').stderr, /^No resources found/)
  })

  test('an image cannot be unpacked, and what was begun can be removed', () => {
    const imported = kube('import', 'rootfs.tar', 'mine:1')
    assert.equal(imported.status, 1)
    assert.match(imported.stderr, /unpacking images takes the rights of root.*\n.*sudo/)
    for (const args of [
      ['system', 'prune'],
      ['system', 'reset', '--force'],
    ]) {
      const done = kube(...args)
      assert.deepEqual([done.status, done.stderr], [0, ''])
    }
    assert.equal(kube('images', '-q').stdout, '')
  })

  test('a place without a value is not the working directory', () => {
    for (const option of ['--root', '--runroot']) {
      const { status, stderr } = kube(option, '', 'system', 'info')
      assert.deepEqual([status, stderr], [2, 'kube: --root and --runroot take the path of a directory\n'])
    }
    const { stdout } = kubeWith({ XDG_DATA_HOME: '', XDG_RUNTIME_DIR: '' }, 'system', 'info', '-o', 'json')
    const { root, runroot } = JSON.parse(stdout) as { readonly root: string; readonly runroot: string }
    assert.equal(root, join(home, '.local/share/kube'))
    assert.ok(!runroot.startsWith(home), runroot)
  })
})
