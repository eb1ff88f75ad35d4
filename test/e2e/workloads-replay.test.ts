/** What a second play keeps though the manifest does not speak of it, and what is said while one waits. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, suite, test } from 'node:test'
import { container, podManifest } from '../support/manifests.ts'
import { lacking } from '../support/need.ts'
import { Session } from '../support/session.ts'

suite('playing again', { concurrency: 4, skip: lacking('crun', 'conmon', 'catatonit', 'nft', 'script') }, () => {
  let kube: Session
  before(async () => {
    kube = await Session.open()
  })
  after(() => kube.close())

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
          spec: { terminationGracePeriodSeconds: 0, containers: [container({ env })] },
        },
      },
    })
  const replicas = (name: string) => kube.ok(['get', 'deployment', name, '-o', 'jsonpath={.spec.replicas}'])

  test('a scale stays where the manifest says no number of replicas', async () => {
    await kube.play(deployment('open'), 'open')
    await kube.ok(['scale', 'deployment/open', '--replicas=3'])
    await kube.ok(['rollout', 'status', 'deployment/open', '--timeout=20s'])
    for (let again = 0; again < 2; again++)
      assert.equal(await kube.play(deployment('open'), 'open'), 'deployment/open unchanged\n')
    assert.equal((await kube.run(['diff', '--app', 'open', '-'], { input: deployment('open') })).stdout, '')
    const changed = deployment('open', {}, [{ name: 'X', value: '1' }])
    assert.equal(await kube.play(changed, 'open'), 'deployment/open configured\n')
    await kube.ok(['rollout', 'status', 'deployment/open', '--timeout=20s'])
    assert.equal(await replicas('open'), '3')
    await kube.ok(['down', 'open'])
  })

  test('one that the manifest says comes back, and one that it no longer says is 1', async () => {
    const written = deployment('written', { replicas: 2 })
    await kube.play(written, 'written')
    await kube.ok(['scale', 'deployment/written', '--replicas=3'])
    assert.equal(await kube.play(written, 'written'), 'deployment/written configured\n')
    assert.equal(await replicas('written'), '2')
    await kube.play(deployment('written'), 'written')
    assert.equal(await replicas('written'), '1')
    await kube.ok(['down', 'written'])
  })

  test('on a terminal, a play tells which init container it waits for', async () => {
    const prep = container({ name: 'wait-db', script: 'while [ ! -e /d/go ]; do sleep 0.1; done', volumeMounts: MOUNT })
    const volumes = [{ name: 'd', hostPath: { path: kube.directory } }]
    const input = podManifest('web', [{}], { initContainers: [prep], volumes, terminationGracePeriodSeconds: 0 })
    const { writeFileSync } = await import('node:fs')
    writeFileSync(`${kube.directory}/web.json`, input)
    const line = kube.commandLine(['play', '--app', 'web', `${kube.directory}/web.json`]).join(' ')
    const play = spawn('script', ['-qec', line, '/dev/null'], { stdio: ['ignore', 'pipe', 'inherit'] })
    let seen = ''
    play.stdout.setEncoding('utf8').on('data', (part: string) => {
      seen += part
    })
    await kube.eventually(async () => /^pod web: waiting for init container wait-db\r?$/m.test(seen))
    writeFileSync(`${kube.directory}/go`, '')
    assert.equal((await once(play, 'close'))[0], 0)
    assert.equal(seen.match(/waiting/g)?.length, 1)
    await kube.ok(['down', 'web'])
    const quiet = await kube.run(['play', '--app', 'web', `${kube.directory}/web.json`])
    assert.deepEqual([quiet.status, quiet.stderr], [0, ''])
    await kube.ok(['down', 'web'])
  })
})

const MOUNT = [{ name: 'd', mountPath: '/d' }]
