/** What a second play keeps though the manifest does not speak of it, and what is said while one waits. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { useKube } from '../support/kube.ts'
import { podManifest, shellContainer } from '../support/manifests.ts'
import { cannotRunPods, lacking } from '../support/need.ts'

suite('playing again', { concurrency: 4, skip: cannotRunPods || lacking('script') }, () => {
  const kube = useKube()

  const deployment = (name: string, spec: object = {}, env: readonly object[] = []) =>
    JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: {
        ...spec,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: { terminationGracePeriodSeconds: 0, containers: [shellContainer({ env })] },
        },
      },
    })
  const replicas = (name: string) => kube.ok(['get', 'deployment', name, '-o', 'jsonpath={.spec.replicas}'])

  test('a scale stays where the manifest says no number of replicas', async () => {
    await kube.play('open', deployment('open'))
    await kube.ok(['scale', 'deployment/open', '--replicas=3'])
    await kube.ok(['rollout', 'status', 'deployment/open', '--timeout=20s'])
    for (let again = 0; again < 2; again++)
      assert.equal(await kube.play('open', deployment('open')), 'deployment/open unchanged\n')
    assert.equal((await kube.run(['diff', '--app', 'open', '-'], { input: deployment('open') })).stdout, '')
    const changed = deployment('open', {}, [{ name: 'X', value: '1' }])
    assert.equal(await kube.play('open', changed), 'deployment/open configured\n')
    await kube.ok(['rollout', 'status', 'deployment/open', '--timeout=20s'])
    assert.equal(await replicas('open'), '3')
    await kube.ok(['down', 'open'])
  })

  test('one that the manifest says comes back, and one that it no longer says is 1', async () => {
    const written = deployment('written', { replicas: 2 })
    await kube.play('written', written)
    await kube.ok(['scale', 'deployment/written', '--replicas=3'])
    assert.equal(await kube.play('written', written), 'deployment/written configured\n')
    assert.equal(await replicas('written'), '2')
    await kube.play('written', deployment('written'))
    assert.equal(await replicas('written'), '1')
    await kube.ok(['down', 'written'])
  })

  test('a pause stays where the manifest says nothing of it, and one that it says is gone with it', async () => {
    const paused = () => kube.ok(['get', 'deployment', 'held', '-o', 'jsonpath={.spec.paused}'])
    await kube.play('held', deployment('held'))
    await kube.ok(['rollout', 'pause', 'deployment/held'])
    for (let again = 0; again < 2; again++)
      assert.equal(await kube.play('held', deployment('held')), 'deployment/held unchanged\n')
    assert.equal((await kube.run(['diff', '--app', 'held', '-'], { input: deployment('held') })).stdout, '')
    assert.equal(await paused(), 'true')
    await kube.play('held', deployment('held', { paused: false }))
    assert.equal(await paused(), 'false')
    await kube.play('held', deployment('held', { paused: true }))
    await kube.play('held', deployment('held'))
    assert.equal(await paused(), '')
    await kube.ok(['down', 'held'])
  })

  test('on a terminal, a play tells which init container it waits for', async () => {
    const prep = shellContainer({
      name: 'wait-db',
      script: 'while [ ! -e /d/go ]; do sleep 0.1; done',
      volumeMounts: MOUNT,
    })
    const volumes = [{ name: 'd', hostPath: { path: kube.directory } }]
    const input = podManifest('web', [{}], { initContainers: [prep], volumes, terminationGracePeriodSeconds: 0 })
    const file = kube.file('web.json', input)
    const play = kube.startOnTerminal(['play', '--app', 'web', file])
    await play.says(/^pod web: waiting for init container wait-db\r?$/m)
    kube.file('go', '')
    const { status, stdout } = await play.ended
    assert.equal(status, 0)
    assert.equal(stdout.match(/waiting/g)?.length, 1)
    await kube.ok(['down', 'web'])
    const quiet = await kube.run(['play', '--app', 'web', file])
    assert.deepEqual([quiet.status, quiet.stderr], [0, ''])
    await kube.ok(['down', 'web'])
  })
})

const MOUNT = [{ name: 'd', mountPath: '/d' }]
