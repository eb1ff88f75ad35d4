/** A disk without room at every stage: a clear message, nothing left, and later commands work. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { errnoOf } from '../../src/diagnostic.ts'
import { readPidFile } from '../../src/host/sys/pid-file.ts'
import { eventually } from '../support/eventually.ts'
import { IMAGE } from '../support/instance.ts'
import { Kube } from '../support/kube.ts'
import { lacking } from '../support/need.ts'

const LASTING_POD = {
  terminationGracePeriodSeconds: 0,
  volumes: [{ name: 'scratch', emptyDir: {} }],
  containers: [
    {
      name: 'main',
      image: IMAGE,
      imagePullPolicy: 'Never',
      command: ['sleep', '1000'],
      volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }],
    },
  ],
}

const MANIFEST = JSON.stringify({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        ...LASTING_POD,
        initContainers: [{ name: 'first', image: IMAGE, imagePullPolicy: 'Never', command: ['echo', 'first'] }],
      },
    },
  },
})

suite('a full disk', { skip: lacking('crun', 'conmon', 'catatonit', 'nft', 'ip', 'findmnt') }, () => {
  /** Runs with `root` or `runroot` on a small disk of its own; `leave` fills that up to so many KiB. */
  async function onSmallDisk(
    which: 'root' | 'runroot',
    body: (kube: Kube, leave: (kib: number) => void) => Promise<void>,
  ): Promise<void> {
    const kube = new Kube()
    await kube.open()
    const directory = kube[which]
    await kube.ok(['system', 'reset', '--force'])
    execFileSync('mkdir', ['-p', directory])
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', directory])
    try {
      await kube.ok(['import', join(kube.directory, 'busybox.tar'), IMAGE])
      const filler = join(directory, 'filler')
      await body(kube, kib => {
        rmSync(filler, { force: true })
        if (!Number.isFinite(kib)) return
        const { bavail, bsize } = statfsSync(directory)
        try {
          writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - kib * 1024)))
        } catch (error) {
          // A supervisor wrote something meanwhile: it is full by now.
          if (errnoOf(error) !== 'ENOSPC') throw error
        }
      })
      rmSync(filler, { force: true })
      await kube.ok(['system', 'reset', '--force'])
    } finally {
      execFileSync('umount', ['--lazy', directory])
      await kube.close()
    }
  }

  for (const which of ['root', 'runroot'] as const) {
    test(`play undoes what it made, wherever the ${which} has no more room`, async () => {
      await onSmallDisk(which, async (kube, leave) => {
        // Makes the database, the reserve and what all pods share.
        await kube.ok(['play', '--app', 'web', '-'], { input: MANIFEST })
        await kube.ok(['down', 'web'])
        let failures = 0
        for (const kib of [0, 8, 40, 72, 88, 120, 160, 240, 320]) {
          leave(kib)
          const { status, stderr } = await kube.run(['play', '--app', 'web', '-'], { input: MANIFEST })
          const said = `${kib} KiB: ${stderr}`
          assert.doesNotMatch(stderr, /^\s+at |node:internal/m, said)
          if (status !== 0) {
            failures++
            assert.match(stderr, /no space|No space|ENOSPC/, said)
            assert.equal(await kube.ok(['get', 'pods', '-o', 'name']), '', said)
          }
          leave(Number.POSITIVE_INFINITY)
          await kube.ok(['play', '--app', 'web', '-'], { input: MANIFEST })
          await kube.ok(['down', 'web'])
          await kube.nothingLeft(said)
        }
        assert.ok(failures > 2)
      })
    })

    test(`down and delete work with no room on the ${which} at all`, async () => {
      await onSmallDisk(which, async (kube, leave) => {
        for (const command of [
          ['down', 'web'],
          ['delete', 'deployment', 'web'],
        ]) {
          await kube.ok(['play', '--app', 'web', '-'], { input: MANIFEST })
          leave(0)
          await kube.ok(command)
          leave(Number.POSITIVE_INFINITY)
          await kube.nothingLeft()
        }
      })
    })
  }

  test('a probe is answered with no room on the runroot, and its container runs on', async () => {
    await onSmallDisk('runroot', async (kube, leave) => {
      const [main] = LASTING_POD.containers
      const exec = { command: ['sh', '-c', 'echo asked > /proc/1/fd/1'] }
      const livenessProbe = { exec, periodSeconds: 1, failureThreshold: 1 }
      const spec = { ...LASTING_POD, containers: [{ ...main, livenessProbe }] }
      const pod = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'asked' }, spec })
      await kube.ok(['play', '--app', 'asked', '-'], { input: pod })
      const times = async () => (await kube.ok(['logs', 'asked'])).split('\n').length - 1
      const askedOften = async (more: number) => {
        const least = (await times()) + more
        await eventually(async () => assert.ok((await times()) >= least, `${await times()} times, not ${least}`))
      }
      // Then its supervisor is there.
      await askedOften(1)
      leave(0)
      await askedOften(3)
      const { containerStatuses = [] } = (await kube.get('pod', 'asked')).status ?? {}
      assert.deepEqual(
        containerStatuses.map(({ restartCount, ready }) => [restartCount, ready]),
        [[0, true]],
      )
      assert.deepEqual(
        (await kube.eventsOf('pod/asked')).filter(event => /Unhealthy|Killing/.test(event)),
        [],
      )
      leave(Number.POSITIVE_INFINITY)
      await kube.ok(['down', 'asked'])
    })
  })

  test('a read-only disk is told as that, and nothing is changed', async () => {
    // Of a pod that nobody looks after: no supervisor writes at any time of its own.
    const pod = (name: string) =>
      JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: LASTING_POD })
    const kube = new Kube()
    await kube.open()
    try {
      await kube.ok(['play', '--app', 'web', '-'], { input: pod('web') })
      for (const [which, message] of [
        ['root', /the records cannot be written|read-only/],
        ['runroot', /read-only file system/],
      ] as const) {
        const directory = kube[which]
        // As if a supervisor had just been killed: whoever looks at the pods starts another one.
        writeFileSync(join(kube.runroot, 'supervisor.pid'), '4194304 1\n')
        // Its own mounts are hidden meanwhile: nothing must get so far as to miss them.
        execFileSync('mount', ['--bind', directory, directory])
        try {
          execFileSync('mount', ['-o', 'remount,bind,ro', directory])
          for (const args of [
            ['play', '--app', 'other', '-'],
            ['down', 'web'],
          ]) {
            const { status, stderr } = await kube.run(args, { input: pod('other') })
            assert.equal(status, 1, stderr)
            assert.match(stderr, message)
            assert.doesNotMatch(stderr, /^\s+at /m)
          }
          assert.match(await kube.ok(['get', 'pods']), /^web /m)
          await eventually(() => assert.equal(lives(kube.runroot), false))
        } finally {
          execFileSync('umount', ['--lazy', directory])
        }
      }
      await kube.ok(['down', 'web'])
    } finally {
      await kube.close()
    }
  })
})

/** Whether a supervisor runs or begins. */
function lives(runroot: string): boolean {
  return ['supervisor.pid', 'supervisor.starting'].some(name => readPidFile(join(runroot, name)).is === 'running')
}
