import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { useBlockingKube } from '../support/blocking-kube.ts'
import { eventually } from '../support/eventually.ts'
import { IMAGE, KUBE } from '../support/instance.ts'
import { mounts } from '../support/leftovers.ts'
import { cannotRunPods } from '../support/need.ts'
import { configMap, container, pod } from '../support/objects.ts'
import { pinOf, withMountsOf } from '../support/pod-mounts.ts'

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1])
}

describe("a pod's mounts", { skip: cannotRunPods }, () => {
  const kube = useBlockingKube()
  const pin = (uid: string) => pinOf(kube, uid)

  /** What is mounted below the roots, in the pod's namespace by another tool. */
  function inPod(uid: string): readonly string[] {
    return withMountsOf(kube, uid, ['findmnt', '--raw', '--noheadings', '--output', 'FSTYPE,TARGET'])
      .split('\n')
      .filter(line => line.includes(` ${kube.directory}/`))
  }

  test('are in its own namespace: the machine has one line for each pod, whatever the pod mounts', () => {
    const config = configMap('config', { a: '1' })
    const volumes = [
      { name: 'config', configMap: { name: 'config' } },
      { name: 'memory', emptyDir: { medium: 'Memory' } },
      { name: 'image', image: { reference: IMAGE } },
    ]
    const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/${name}` }))
    kube.play('one', config, pod('one', { spec: { volumes }, container: { volumeMounts } }))
    const before = mounts(kube.directory)
    kube.play('two', pod('two', { spec: { volumes }, container: { volumeMounts } }))
    const uids = ['one', 'two'].map(name => kube.get('pod', name).metadata.uid)
    const added = mounts(kube.directory).filter(mount => !before.includes(mount))
    assert.deepEqual(added, [`mount ${pin(uids[1]!)}`])
    const seen = inPod(uids[1]!)
    for (const [type, place] of [
      ['tmpfs', '/shm'],
      ['tmpfs', '/files'],
      ['tmpfs', '/volumes/memory'],
      ['overlay', '/volumes/image'],
      ['overlay', '/rootfs/main/merged'],
    ])
      assert.ok(
        seen.some(line => line.startsWith(`${type} `) && line.endsWith(place!)),
        `${place} in ${seen.join('\n')}`,
      )
    // Neither the other pod's mounts nor what holds them.
    assert.ok(!seen.some(line => line.includes(uids[0]!)), seen.join('\n'))
    for (const app of ['one', 'two']) kube.down(app)
    assert.deepEqual(mounts(kube.directory), [])
  })

  test('a supervisor that the end of a container starts has the mounts of the machine', async () => {
    kube.play('crash', pod('crash', { container: { command: ['sh', '-c', 'sleep 0.5; exit 1'] } }))
    await eventually(() => {
      assert.ok((kube.get('pod', 'crash').status.containerStatuses[0]?.restartCount ?? 0) > 0)
      const supervisor = Number(readFileSync(join(kube.runroot, 'supervisor.pid'), 'utf8').split(' ')[0])
      assert.equal(readlinkSync(`/proc/${supervisor}/ns/mnt`), readlinkSync('/proc/self/ns/mnt'))
      for (const task of readdirSync(`/proc/${supervisor}/task`))
        assert.equal(readlinkSync(`/proc/${supervisor}/task/${task}/ns/mnt`), readlinkSync('/proc/self/ns/mnt'), task)
    })
    kube.down('crash')
  })

  test('of a command with other mounts than the first process are where that one has its own: the monitors keep those', async () => {
    const crash = container('crash', { command: ['sh', '-c', 'sleep 2; exit 1'] })
    const both = pod('private', { spec: { containers: [container('main'), crash] } })
    const words = [
      KUBE,
      '--root',
      kube.root,
      '--runroot',
      kube.runroot,
      'play',
      '--app',
      'private',
      kube.manifest([both]),
    ]
    const printsItsOwn = ['sh', '-c', 'readlink /proc/self/ns/mnt && "$@" >&2', 'sh']
    const unshare = ['--mount', '--propagation', 'private', ...printsItsOwn, ...words]
    const own = execFileSync('unshare', unshare, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
    const monitor = parentOf(kube.pidOf('private'))
    assert.equal(readlinkSync(`/proc/${monitor}/ns/mnt`), own)
    await eventually(() => {
      const statuses = kube.get('pod', 'private').status.containerStatuses
      assert.ok(statuses.some(({ restartCount }) => restartCount > 0))
      const supervisor = readFileSync(join(kube.runroot, 'supervisor.pid'), 'utf8').split(' ')[0]
      assert.equal(readlinkSync(`/proc/${supervisor}/ns/mnt`), own)
    })
    kube.down('private')
    await kube.nothingLeft()
  })

  test('what the machine mounts below a hostPath is seen, and what it unmounts is gone, as far as its mounts travel', () => {
    const shared = join(kube.directory, 'shared')
    mkdirSync(shared)
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', shared])
    try {
      execFileSync('mount', ['--make-shared', shared])
      mkdirSync(join(shared, 'late'))
      const volumes = [{ name: 'host', hostPath: { path: shared } }]
      const volumeMounts = [{ name: 'host', mountPath: '/host', mountPropagation: 'HostToContainer' }]
      kube.play('travel', pod('travel', { spec: { volumes }, container: { volumeMounts } }))
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(shared, 'late')])
      writeFileSync(join(shared, 'late', 'file'), 'late')
      assert.equal(kube.sh('travel', 'cat /host/late/file'), 'late')
      execFileSync('umount', [join(shared, 'late')])
      assert.equal(kube.sh('travel', 'ls /host/late'), '')
      kube.down('travel')
    } finally {
      execFileSync('umount', ['--recursive', shared])
    }
  })

  test('a pod whose namespace nothing names any more can be taken down', async () => {
    const volumes = [{ name: 'memory', emptyDir: { medium: 'Memory' } }]
    kube.play(
      'lost',
      pod('lost', { spec: { volumes }, container: { volumeMounts: [{ name: 'memory', mountPath: '/memory' }] } }),
    )
    const { uid } = kube.get('pod', 'lost').metadata
    execFileSync('umount', [pin(uid)])
    assert.equal(kube.sh('lost', 'echo on'), 'on')
    kube.down('lost')
    assert.ok(!existsSync(pin(uid)))
    await kube.nothingLeft()
  })

  test('a pin without a pod is found by system prune', () => {
    kube.play('held', pod('held'))
    const stale = pin('00000000-0000-4000-8000-000000000000')
    writeFileSync(stale, '')
    execFileSync('mount', ['--bind', pin(kube.get('pod', 'held').metadata.uid), stale])
    assert.match(kube.ok('system', 'prune'), /00000000-0000-4000-8000-000000000000/)
    assert.ok(!existsSync(stale))
    assert.equal(kube.sh('held', 'echo on'), 'on')
    kube.down('held')
    rmSync(stale, { force: true })
  })
})
