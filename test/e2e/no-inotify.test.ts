/** From about 120 containers on a user has no inotify instance left: nothing may count on one. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { useKube } from '../support/kube.ts'
import { podManifest } from '../support/manifests.ts'
import { cannotRunPods } from '../support/need.ts'

const WITHOUT = fileURLToPath(new URL('../support/without-inotify.ts', import.meta.url))

suite('no inotify instance is left', { concurrency: 3, skip: cannotRunPods }, () => {
  const kube = useKube({ env: { KUBE_BACKOFF_MS: '200,1000,60000' }, through: [process.execPath, WITHOUT] })

  test('that is so', () => {
    const script = "require('node:fs').watch('/tmp')"
    const { stderr } = spawnSync(process.execPath, [WITHOUT, process.execPath, '-e', script], { encoding: 'utf8' })
    assert.match(stderr, /EMFILE/)
  })

  test('a container whose liveness probe fails is started again, and so is one that ends', async () => {
    const livenessProbe = { exec: { command: ['test', '!', '-e', '/tmp/ill'] }, periodSeconds: 1, failureThreshold: 1 }
    const ill = { name: 'ill', livenessProbe }
    await kube.play('care', podManifest('care', [ill, { script: 'until [ -e /tmp/end ]; do sleep 0.1; done' }]))
    await kube.ok(['exec', '-q', 'care', '-c', 'main', '--', 'touch', '/tmp/end'])
    await kube.restarted('care', 1)
    await kube.ok(['exec', '-q', 'care', '-c', 'ill', '--', 'touch', '/tmp/ill'])
    await kube.restarted('care', 1, 'ill')
    assert.equal(await kube.ok(['down', 'care']), 'pod/care removed\n')
  })

  test('commands that wait see what they wait for', async () => {
    const script = 'echo begun; until [ -e /tmp/end ]; do sleep 0.1; done; echo ended'
    await kube.play('seen', podManifest('seen', [{ script }], { restartPolicy: 'Never' }))
    const logs = kube.start(['logs', '-f', 'seen'])
    const gets = kube.start(['get', 'pod', 'seen', '-w'])
    const wait = kube.start(['wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/seen', '--timeout=20s'])
    await logs.says(/begun/)
    await gets.says(/Running/)
    await kube.ok(['exec', '-q', 'seen', '--', 'touch', '/tmp/end'])
    await gets.says(/Completed/)
    assert.equal((await wait.ended).status, 0)
    const { status, stdout } = await logs.ended
    assert.deepEqual([status, stdout], [0, 'begun\nended\n'])
    assert.match(await kube.ok(['delete', 'pod', 'seen']), /pod "seen" deleted/)
  })
})
