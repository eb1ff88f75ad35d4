/** Other users of the machine reach nothing of kube's, whatever the mode of its roots and the caller's umask. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, suite, test } from 'node:test'
import { useBlockingKube } from '../support/blocking-kube.ts'
import { IMAGE } from '../support/instance.ts'
import { cannotRunPods, lacking } from '../support/need.ts'

const WORD = 'TOPSECRETWORD'

const SECRET = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'secret' }, stringData: { key: WORD } }
const MAP = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'map' }, data: { key: 'value' } }
const CLAIM = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'claim' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
}

/** With volumes of every kind that kube makes, written to by a user of the container's own. */
function podOf(name: string, spec: object = {}): object {
  const volumes = [
    { name: 'empty', emptyDir: {} },
    { name: 'memory', emptyDir: { medium: 'Memory' } },
    { name: 'secret', secret: { secretName: 'secret' } },
    { name: 'map', configMap: { name: 'map' } },
    { name: 'image', image: { reference: IMAGE, pullPolicy: 'Never' } },
    { name: 'claim', persistentVolumeClaim: { claimName: 'claim' } },
    { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } },
  ]
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      terminationGracePeriodSeconds: 0,
      volumes,
      containers: [
        {
          name: 'main',
          image: IMAGE,
          imagePullPolicy: 'Never',
          command: ['sh', '-c', 'echo x > /empty/x && echo x > /claim/$HOSTNAME && exec sleep 1000'],
          volumeMounts: volumes.map(volume => ({ name: volume.name, mountPath: `/${volume.name}` })),
        },
      ],
      ...spec,
    },
  }
}

/** What `nobody` can read, write or execute of the paths that begin so. Runs find(1), which says so as access(2) does. */
function openTo(user: string, directory: string): readonly string[] {
  const words = [directory, '-mindepth', '1', '(', '-readable', '-o', '-writable', '-o', '-executable', ')', '-print']
  const { stdout } = spawnSync('runuser', ['-u', user, '--', 'find', ...words], { encoding: 'utf8' })
  // One can name what is in a directory that can be read; what it leads to is what counts.
  return stdout.split('\n').filter(path => path !== '' && !lstatSync(path).isSymbolicLink())
}

/** What stands directly in it with permissions for others. */
function openIn(directory: string): readonly string[] {
  return readdirSync(directory).filter(name => (lstatSync(join(directory, name)).mode & 0o077) !== 0)
}

suite('other users', { skip: cannotRunPods || lacking('runuser', 'find') }, () => {
  const kube = useBlockingKube()
  before(() => {
    chmodSync(kube.directory, 0o755)
    kube.ok('system', 'reset', '--force')
    for (const root of [kube.root, kube.runroot]) {
      mkdirSync(root, { mode: 0o755 })
      chmodSync(root, 0o755)
      // Somebody else's, which is to stay as it is.
      writeFileSync(join(root, 'foreign'), 'x', { mode: 0o644 })
    }
    kube.ok('import', join(kube.directory, 'busybox.tar'), IMAGE)
    kube.play(
      'app',
      SECRET,
      MAP,
      CLAIM,
      podOf('plain'),
      podOf('user', { securityContext: { runAsUser: 1000, fsGroup: 2000 } }),
    )
  })

  const roots = () => [kube.root, kube.runroot]
  const nothingIsOpen = () => {
    for (const root of roots()) {
      assert.deepEqual(openTo('nobody', root), [join(root, 'foreign')])
      assert.deepEqual(openIn(root), ['foreign'])
    }
  }

  test('find nothing open below the roots', nothingIsOpen)

  test('while containers of any user reach all of their volumes', () => {
    for (const pod of ['plain', 'user']) {
      assert.equal(
        kube.sh(pod, 'cat /empty/x /map/key; cat /secret/key; test -s /token/token; ls /image/bin/sh'),
        `x\nvalue${WORD}/image/bin/sh`,
      )
    }
    assert.equal(kube.sh('user', 'id -u; ls /claim | sort'), '1000\nplain\nuser')
  })

  test('find nothing either of a pod with a user namespace of its own', () => {
    kube.play('mapped', podOf('mapped', { hostUsers: false }))
    nothingIsOpen()
    const uid = kube.get('pod', 'mapped').metadata.uid ?? ''
    assert.deepEqual(openTo('nobody', `/run/kube-mapped/${uid}`), [])
    assert.equal(kube.sh('mapped', 'cat /secret/key; cat /empty/x'), `${WORD}x`)
    kube.down('mapped')
  })

  test('and nothing of the records while they change', () => {
    for (const name of readdirSync(kube.root).filter(file => file.startsWith('state.db'))) {
      assert.equal(lstatSync(join(kube.root, name)).mode & 0o777, 0o600, name)
    }
    assert.ok(
      readFileSync(join(kube.root, 'state.db-wal')).includes(WORD) ||
        readFileSync(join(kube.root, 'state.db')).includes(WORD),
    )
  })

  test('and what an earlier version left open is closed by the next change', () => {
    for (const name of ['pods', 'volumes', 'exits', 'images']) chmodSync(join(kube.root, name), 0o711)
    for (const name of ['state.db', 'state.db-wal', 'state.db-shm']) chmodSync(join(kube.root, name), 0o644)
    for (const name of ['pods', 'c']) chmodSync(join(kube.runroot, name), 0o755)
    kube.play(
      'another',
      { ...MAP, metadata: { name: 'another' } },
      podOf('another', {
        volumes: [],
        containers: [{ name: 'main', image: IMAGE, imagePullPolicy: 'Never', command: ['sleep', '1000'] }],
      }),
    )
    nothingIsOpen()
    for (const root of roots())
      assert.equal(lstatSync(root).mode & 0o777, 0o755, 'a root that was there keeps its mode')
  })

  test('a root that kube makes is its own', () => {
    const root = join(kube.directory, 'made')
    const [program = '', ...words] = kube.commandLine(['system', 'info'])
    const args = words.map(word => word.replace(kube.root, root).replace(kube.runroot, join(root, 'run')))
    assert.equal(spawnSync(program, args).status, 0)
    assert.equal(lstatSync(root).mode & 0o777, 0o700)
  })

  test('a reset leaves what is not of kube', () => {
    kube.ok('system', 'reset', '--force')
    for (const root of roots()) {
      assert.deepEqual(readdirSync(root), ['foreign'])
      rmSync(root, { recursive: true })
    }
  })
})
