/** `kube volume`. */
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { useBlockingKube } from '../support/blocking-kube.ts'
import { cannotRunPods } from '../support/need.ts'
import { pod } from '../support/objects.ts'

describe('named volumes', { skip: cannotRunPods }, () => {
  const kube = useBlockingKube()

  const user = (claimName: string) =>
    pod('user', {
      container: { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
      spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] },
    })

  test('made, listed, filled, used, removed when nobody uses it', () => {
    assert.equal(kube.ok('volume', 'create', 'data', 'spare'), 'data\nspare\n')
    assert.equal(kube.ok('volume', 'ls', '-q'), 'data\nspare\n')
    const [volume] = JSON.parse(kube.ok('volume', 'inspect', 'data'))
    assert.equal(volume.path, `${kube.root}/volumes/default/data`)
    writeFileSync(`${volume.path}/seed`, 'from outside')
    kube.play('app', user('data'))
    assert.equal(kube.sh('user', 'cat /v/seed'), 'from outside')
    assert.match(kube.ok('volume', 'ls'), /default +data +user /)
    const refused = kube.run('volume', 'rm', 'data')
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /volume data is in use by pod user/)
    kube.down('app')
    assert.equal(kube.ok('volume', 'rm', 'data'), 'data\n')
    assert.equal(existsSync(volume.path), false)
    assert.match(kube.run('volume', 'rm', 'data').stderr, /there is no volume data/)
    kube.ok('volume', 'rm', '-i', 'data')
  })

  test('prune leaves what a pod uses or an app claims', () => {
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'kept' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
    }
    kube.play('claims', claim)
    kube.play('app', user('used'))
    kube.ok('volume', 'create', 'spare', 'kept')
    assert.match(kube.ok('volume', 'prune', '--dry-run'), /^Would delete: default\/spare\nWould free/)
    assert.match(kube.ok('volume', 'prune'), /^Deleted: default\/spare\nFreed: /)
    assert.equal(kube.ok('volume', 'ls', '-q'), 'kept\nused\n')
    kube.down('app')
    kube.ok('down', 'claims')
    kube.ok('volume', 'prune')
    assert.equal(kube.ok('volume', 'ls', '-q'), '')
  })

  test('a name that is a path is refused', () => {
    for (const name of ['../../etc', 'a/b', '', '..', 'A']) {
      assert.equal(kube.run('volume', 'create', name).status, 2, name)
      assert.notEqual(kube.run('volume', 'rm', name).status, 0, name)
    }
    assert.equal(kube.run('volume', 'create', '-n', '../..', 'x').status, 2)
    assert.equal(kube.run('volume', 'rm', '-n', '..', 'pods').status, 1)
    assert.equal(existsSync(`${kube.root}/pods`), true)
  })
})
