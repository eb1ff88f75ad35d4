/** Deleting objects, and finding what killed commands left. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { IMAGE } from '../support/instance.ts'
import { useKube } from '../support/kube.ts'
import { cannotRunPods } from '../support/need.ts'

const pod = (name: string, grace = 0) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec:
  terminationGracePeriodSeconds: ${grace}
  containers: [{name: c, image: ${IMAGE}, command: [sleep, '1000']}]
`

const DEPLOYMENT = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: dep}
spec:
  replicas: 2
  selector: {matchLabels: {app: dep}}
  template:
    metadata: {labels: {app: dep}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: c, image: ${IMAGE}, command: [sleep, '1000']}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
`

describe('delete', { skip: cannotRunPods }, () => {
  const kube = useKube()

  test('a pod, by kind and name or by both in one', async () => {
    await kube.play('pods', `${pod('a')}---${pod('b')}---${pod('c')}`)
    assert.equal(await kube.ok(['delete', 'pod', 'a', 'b']), 'pod "a" deleted\npod "b" deleted\n')
    assert.equal(await kube.ok(['delete', 'pod/c', '--force']), 'pod "c" force deleted\n')
    assert.equal(await kube.ok(['get', 'pods', '-o', 'name']), '')
    assert.doesNotMatch(await kube.ok(['system', 'info']), /apps: [1-9]/)
  })

  test('a Deployment takes its pods along and leaves the rest of its app', async () => {
    await kube.play('app', DEPLOYMENT)
    for (const cascade of ['orphan', 'false']) {
      const refused = await kube.run(['delete', 'deploy', 'dep', `--cascade=${cascade}`])
      assert.equal(refused.status, 2)
      assert.match(refused.stderr, /--cascade=orphan: deployment.apps\/dep cannot be deleted without what it made/)
    }
    assert.equal((await kube.run(['delete', 'deploy', 'dep', '--cascade=some'])).status, 2)
    assert.equal(await kube.ok(['delete', '--cascade', 'deploy', 'dep']), 'deployment.apps "dep" deleted\n')
    assert.equal(await kube.ok(['get', 'all,cm', '-o', 'name']), 'configmap/settings\n')
    assert.equal(await kube.ok(['delete', 'cm', '--all', '--cascade=orphan']), 'configmap "settings" deleted\n')
  })

  test('by label, by file, all of a kind', async () => {
    await kube.play('pods', `${pod('a')}---${pod('b')}---${pod('c')}`)
    assert.equal(await kube.ok(['delete', 'pods', '-l', 'app in (a)', '--cascade=foreground']), 'pod "a" deleted\n')
    assert.equal(await kube.ok(['delete', '-f', '-'], { input: pod('b') }), 'pod "b" deleted\n')
    assert.equal(await kube.ok(['delete', 'po', '--all']), 'pod "c" deleted\n')
  })

  test('what is not there, and what is not said', async () => {
    const missing = await kube.run(['delete', 'pod', 'nope'])
    assert.equal(missing.status, 1)
    assert.match(missing.stderr, /pods "nope" not found/)
    assert.equal((await kube.run(['delete', 'pod', 'nope', '--ignore-not-found'])).status, 0)
    assert.equal((await kube.run(['delete', 'pods'])).status, 2)
    assert.equal((await kube.run(['delete'])).status, 2)
  })

  test('--wait=false returns at once and the pod goes', async () => {
    // sleep is process 1 of its container and ignores SIGTERM: it stays for the grace period.
    await kube.play('slow', pod('slow', 2))
    const start = performance.now()
    await kube.ok(['delete', 'pod', 'slow', '--wait=false'])
    assert.ok(performance.now() - start < 1500)
    assert.match(await kube.ok(['get', 'pod', 'slow', '--no-headers']), /Terminating/)
    await eventually(async () => assert.equal((await kube.run(['get', 'pod', 'slow'])).status, 1))
  })

  test('prune removes what has no record, and nothing else', async () => {
    await kube.play('kept', pod('kept'))
    const stray = `${kube.root}/pods/00000000-0000-4000-8000-000000000000`
    mkdirSync(stray, { recursive: true })
    assert.match(await kube.ok(['system', 'prune', '--dry-run']), /would remove directory of pod 00000000-/)
    assert.ok(existsSync(stray))
    assert.match(await kube.ok(['system', 'prune']), /removed directory of pod 00000000-/)
    assert.ok(!existsSync(stray))
    assert.match(await kube.ok(['get', 'pod', 'kept', '--no-headers']), /1\/1\s+Running/)
    assert.doesNotMatch(await kube.ok(['system', 'prune']), /removed/)
  })

  test('check tells what this machine has', async () => {
    const { ok, requirements } = await kube.json<{ ok: boolean; requirements: { name: string; ok: boolean }[] }>([
      'system',
      'check',
    ])
    assert.equal(ok, true)
    assert.equal(requirements.find(({ name }) => name === 'crun')?.ok, true)
    const broken = await kube.run(['--runtime', 'no-such-runtime', 'system', 'check'])
    assert.equal(broken.status, 1)
    assert.match(broken.stdout, /no-such-runtime\s+MISSING/)
  })

  test('reset asks for --force', async () => {
    const asked = await kube.run(['system', 'reset'])
    assert.equal(asked.status, 2)
    assert.match(asked.stderr, /add --force/)
    assert.match(await kube.ok(['get', 'pods', '-o', 'name']), /pod\/kept/)
  })
})
