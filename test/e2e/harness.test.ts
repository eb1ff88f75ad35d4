/** What the other tests rely on: that the search for leftovers finds what there is, and that waiting tells what was seen. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { suite, test } from 'node:test'
import { BlockingKube, useBlockingKube } from '../support/blocking-kube.ts'
import { eventually } from '../support/eventually.ts'
import { useKube } from '../support/kube.ts'
import { cannotRunPods } from '../support/need.ts'
import { container, pod } from '../support/objects.ts'

suite('the harness', { skip: cannotRunPods }, () => {
  const kube = useBlockingKube()

  test('each kind of leftover is seen while a pod runs, and none after it', async () => {
    await kube.nothingLeft()
    const memory = { volumes: [{ name: 'v', emptyDir: { medium: 'Memory' } }] }
    kube.play('web', pod('web', { spec: { ...memory, containers: [container('a'), container('b')] } }))
    const kinds = new Set(kube.leftovers().map(text => text.split(' ')[0]))
    assert.deepEqual([...kinds].sort(), ['cgroup', 'container', 'directory', 'link', 'mount', 'nftables', 'process'])
    kube.down('web')
    await kube.nothingLeft()
  })

  test('a condition that does not come true is told as it was last seen', async () => {
    let attempts = 0
    await assert.rejects(
      eventually(() => assert.equal(++attempts, 0), 50),
      /not so within 0.05 s, in \d+ attempts; at last: .*\n\n\d+ !== 0/s,
    )
    assert.ok(attempts > 1)
    assert.throws(() => kube.waitForPhase('nobody', 'Running'), /pods "nobody" not found/)
    assert.throws(() => kube.ok('get', 'gizmos'), /^Error: kube get gizmos: status 1\n/)
  })
})

suite('the end of an instance', { skip: cannotRunPods }, () => {
  test('takes away what a failed test left running', async () => {
    const kube = new BlockingKube()
    await kube.open()
    kube.play('web', pod('web'))
    assert.notDeepEqual(kube.leftovers(), [])
    await kube.close()
    await kube.nothingLeft()
    assert.equal(existsSync(kube.directory), false)
  })

  test('fails with what is left, and reaches into no mount', async () => {
    const kube = new BlockingKube()
    await kube.open()
    const mount = `${kube.directory}/stray`
    mkdirSync(mount)
    execFileSync('mount', ['-t', 'tmpfs', 'stray', mount])
    kube.file('stray/kept', '')
    try {
      await assert.rejects(kube.close(), new RegExp(`^Error: left behind:\nmount ${mount}\n$`))
      assert.ok(existsSync(`${mount}/kept`))
    } finally {
      execFileSync('umount', [mount])
      rmSync(kube.directory, { recursive: true })
    }
  })
})

suite('commands that run on', { skip: cannotRunPods }, () => {
  const kube = useKube()

  test('what one says is waited for, and one that ends without it is told of', async () => {
    const command = kube.start(['get', 'gizmos'])
    await assert.rejects(command.says(/never/), /did not say .*never.* before it ended; instead: .*gizmos/s)
    assert.equal((await command.ended).status, 1)
    const waiting = kube.start(['wait', 'pod/nobody', '--for=create', '--timeout=60s'])
    await assert.rejects(waiting.says(/never/, 50), /did not say .* within 0.05 s/)
    assert.equal(waiting.isRunning, true)
    waiting.signal('SIGKILL')
    assert.equal((await waiting.ended).status, 137)
  })
})
