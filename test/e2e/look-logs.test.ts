/** Logs of workloads and of several containers, as kubectl prints them. */
import assert from 'node:assert/strict'
import { before, suite, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { useKube } from '../support/kube.ts'
import { podManifest, shellContainer } from '../support/manifests.ts'
import { cannotRunPods } from '../support/need.ts'

suite('logs of several', { concurrency: 4, skip: cannotRunPods }, () => {
  const kube = useKube()
  before(async () => {
    const workload = (kind: string, name: string, spec: object = {}, template: object = {}) => ({
      apiVersion: kind === 'Job' ? 'batch/v1' : 'apps/v1',
      kind,
      metadata: { name },
      spec: {
        ...(kind === 'Job' ? {} : { selector: { matchLabels: { app: name } } }),
        ...spec,
        template: {
          metadata: { labels: { app: name, all: 'yes' } },
          spec: {
            terminationGracePeriodSeconds: 0,
            containers: [shellContainer({ name: 'main', script: `echo from ${name}; sleep 1000` })],
            ...template,
          },
        },
      },
    })
    const runOnce = { restartPolicy: 'Never', containers: [shellContainer({ name: 'main', script: 'echo from job' })] }
    const objects = [
      workload('Deployment', 'dep', { replicas: 3 }),
      workload('StatefulSet', 'sts', { serviceName: 'sts' }),
      workload('DaemonSet', 'ds'),
      workload('Job', 'job', {}, runOnce),
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'svc' },
        spec: { selector: { app: 'dep' }, ports: [{ port: 80 }] },
      },
    ]
    await kube.play('all', objects.map(object => JSON.stringify(object)).join('\n---\n'))
    await kube.ok(['wait', 'job/job', '--for=condition=Complete'])
    await eventually(async () => assert.equal((await kube.ok(['logs', '-l', 'all=yes'])).split('\n').length, 7))
  })

  test('by the kind of the workload', async () => {
    const set = (await kube.ok(['get', 'rs', '-o', 'name'])).trim().replace('replicaset.apps/', 'rs/')
    for (const [name, text] of [
      ['deployment/dep', 'from dep'],
      [set, 'from dep'],
      ['svc/svc', 'from dep'],
      ['sts/sts', 'from sts'],
      ['statefulset.apps/sts', 'from sts'],
      ['daemonset/ds', 'from ds'],
      ['job/job', 'from job'],
    ] as const) {
      const { stdout, stderr, status } = await kube.run(['logs', name])
      assert.deepEqual([status, stdout], [0, `${text}\n`], name)
      assert.equal(/^Found 3 pods, using pod\/dep-/.test(stderr), text === 'from dep')
    }
    const nobody = await kube.run(['logs', 'deployment/nobody'])
    assert.equal(nobody.status, 1)
    assert.match(nobody.stderr, /deployments\.apps "nobody" not found/)
  })

  test('of every pod of it, and of a selector', async () => {
    assert.match(await kube.ok(['logs', 'deployment/dep', '--all-pods']), /^(\[pod\/dep-\S+\/main\] from dep\n){3}$/)
    assert.equal(await kube.ok(['logs', 'deployment/dep', '--all-pods', '--prefix=false']), 'from dep\n'.repeat(3))
    assert.equal(await kube.ok(['logs', '-l', 'app=dep', '--limit-bytes=4']), 'from'.repeat(3))
  })

  test('so many may be followed at once', async () => {
    const { status, stderr } = await kube.run(['logs', '-f', '-l', 'all=yes'])
    assert.equal(status, 2)
    assert.match(stderr, /follow 6 log streams, but maximum allowed concurrency is 5/)
    const following = kube.start(['logs', '-f', '-l', 'all=yes', '--max-log-requests=6'])
    await following.says(/^(.*\n){6}/)
    const { stdout } = await following.interrupt()
    assert.equal(stdout.match(/^\[pod\/\S+\/main\] from /gm)?.length, 6)
  })

  test('what cannot be read ends the command, or is passed over', async () => {
    const prep = shellContainer({ name: 'prep', script: 'echo preparing; sleep 1000' })
    const input = podManifest('slow', [{}], { initContainers: [prep], terminationGracePeriodSeconds: 0 })
    const playing = kube.start(['play', '--app', 'slow', '-'], { input })
    await eventually(async () => assert.equal((await kube.run(['logs', 'slow', '-c', 'prep'])).stdout, 'preparing\n'))
    const { status, stdout, stderr } = await kube.run(['logs', 'slow', '--all-containers'])
    assert.deepEqual([status, stdout], [1, 'preparing\n'])
    assert.match(stderr, /container "main" in pod "slow" is waiting to start: PodInitializing/)
    const passed = await kube.run(['logs', 'slow', '--all-containers', '--ignore-errors', '--prefix'])
    assert.deepEqual([passed.status, passed.stdout], [0, '[pod/slow/prep] preparing\n'])
    assert.match(passed.stderr, /PodInitializing/)
    assert.equal((await kube.run(['logs', 'slow', '-c', 'prep', '--all-containers'])).status, 2)
    await playing.interrupt()
  })

  test('since a time', async () => {
    const [line = ''] = (await kube.ok(['logs', 'job/job', '-t'])).split('\n')
    const at = Date.parse(line.split(' ')[0] ?? '')
    assert.equal(await kube.ok(['logs', 'job/job', '--since-time', new Date(at - 1000).toISOString()]), 'from job\n')
    assert.equal(await kube.ok(['logs', 'job/job', '--since-time', new Date(at + 1000).toISOString()]), '')
    assert.equal((await kube.run(['logs', 'job/job', '--since-time', 'noon'])).status, 2)
    assert.equal((await kube.run(['logs', 'job/job', '--since-time=2026-01-01T00:00:00Z', '--since=1m'])).status, 2)
  })
})
