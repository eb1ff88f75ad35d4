import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { busyboxRootfs } from '../support/busybox-rootfs.ts'
import { eventually } from '../support/eventually.ts'
import { IMAGE } from '../support/instance.ts'
import { type Kube, useKube } from '../support/kube.ts'
import { mounts } from '../support/leftovers.ts'
import { cannotRunPods } from '../support/need.ts'
import { configMap, pod } from '../support/objects.ts'

describe('system reset beside other commands', { skip: cannotRunPods }, () => {
  const kube = useKube()

  /** What somebody has on the machine, with a mount of a part of it in a pod. */
  function precious(): { readonly directory: string; readonly pods: readonly object[]; left(): number } {
    const directory = join(kube.directory, 'precious')
    const part = join(directory, 'part')
    mkdirSync(part, { recursive: true })
    for (let i = 0; i < 20; i++) writeFileSync(join(part, `file-${i}`), '')
    const volumes = [{ name: 'host', hostPath: { path: directory } }]
    const volumeMounts = [{ name: 'host', mountPath: '/host', subPath: 'part' }]
    return {
      directory,
      pods: [1, 2, 3, 4].map(i => pod(`precious-${i}`, { spec: { volumes }, container: { volumeMounts } })),
      left: () => readdirSync(part).length,
    }
  }

  const giveImage = () => kube.ok(['import', kube.file('busybox.tar', busyboxRootfs()), IMAGE])

  async function rootsGone(of: Kube): Promise<void> {
    assert.deepEqual(
      [of.root, of.runroot].filter(path => existsSync(path)),
      [],
    )
    assert.deepEqual(mounts(of.directory), [])
    await of.nothingLeft()
  }

  // Each begins after another part of the play, from its first look at the root to its last container.
  for (let afterMs = 0; afterMs < 480; afterMs += 40) {
    test(`a play of ${afterMs} ms is stopped, nothing of it stays, and a hostPath keeps its files`, async () => {
      const host = precious()
      const play = kube.start(['play', kube.manifest(host.pods)])
      await delay(afterMs)
      const reset = await kube.run(['system', 'reset', '--force'])
      const played = await play.ended
      assert.equal(reset.status, 0, reset.stderr)
      assert.equal(host.left(), 20)
      // One that had not begun yet finds an empty root, and no image.
      const said = played.status === 0 || /stopped by|is just removing|ImageNotFound|is not present|no image|pull/
      if (said !== true) assert.match(played.stderr, said)
      assert.doesNotMatch(played.stderr, /EBUSY|ENOTEMPTY|ENOENT/)
      await kube.run(['system', 'reset', '--force'])
      await rootsGone(kube)
      await giveImage()
    })
  }

  test('who only looks is asked to stop as well, and who comes meanwhile is told', async () => {
    await kube.play('looked-at', JSON.stringify(pod('looked-at')))
    const follower = kube.start(['logs', '-f', 'looked-at'])
    await eventually(() => assert.ok(readdirSync(join(kube.runroot, 'work')).length > 0))
    const reset = kube.start(['system', 'reset', '--force'])
    // Until the reset has ended, others are turned away; after it there is an empty root.
    const late = await kube.run(['get', 'pods'])
    assert.ok(late.status === 0 || /is just removing everything/.test(late.stderr), late.stderr)
    assert.equal((await reset.ended).status, 0)
    assert.match((await follower.ended).stderr, /stopped by `kube system reset`|^$/)
    await kube.run(['system', 'reset', '--force'])
    await rootsGone(kube)
    await giveImage()
  })

  test('a killed command keeps nobody waiting, and the next one takes its file away', async () => {
    const follower = kube.start(['events', '-w'])
    const work = join(kube.runroot, 'work')
    const pid = await eventually(() => {
      const [name] = existsSync(work) ? readdirSync(work) : []
      assert.ok(name !== undefined)
      return name
    })
    follower.signal('SIGKILL')
    await follower.ended
    await kube.ok(['get', 'pods'])
    assert.ok(!readdirSync(work).includes(pid))
  })
})

describe('roots behind symbolic links', { skip: cannotRunPods }, () => {
  const kube = useKube({ below: 'link' })
  // Before the suite opens its instance.
  mkdirSync(join(kube.directory, 'real'))
  symlinkSync('real', join(kube.directory, 'link'))

  test('what is mounted for a pod is found and taken away', async () => {
    const config = configMap('config', { a: '1' })
    const volumes = [
      { name: 'config', configMap: { name: 'config' } },
      { name: 'memory', emptyDir: { medium: 'Memory' } },
    ]
    const volumeMounts = [
      { name: 'config', mountPath: '/config' },
      { name: 'memory', mountPath: '/memory', subPath: 'part' },
    ]
    const manifest = kube.manifest([config, pod('linked', { spec: { volumes }, container: { volumeMounts } })])
    await kube.ok(['play', manifest])
    assert.equal(await kube.ok(['exec', 'linked', '--', 'cat', '/config/a']), '1')
    await kube.ok(['down', manifest])
    assert.deepEqual(mounts(join(kube.directory, 'real', 'root')), [])
    await kube.nothingLeft()
  })
})
