/** Pods that are stopped stay until they are started again. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { useKube } from '../support/kube.ts'
import { podManifest, shellContainer } from '../support/manifests.ts'
import { cannotRunPods } from '../support/need.ts'
import { containerOf } from '../support/object-views.ts'

/** Initial, maximum, reset, in milliseconds: who would start a stopped container again does so at once. */
const BACKOFF = '50,100,60000'

suite('stop and start', { concurrency: 4, skip: cannotRunPods }, () => {
  const kube = useKube({ env: { KUBE_BACKOFF_MS: BACKOFF } })

  const pod = (name: string) => kube.get('pod', name)
  const statusLine = async (name: string) =>
    (await kube.ok(['get', 'pod', name, '--no-headers'])).split(/\s+/).slice(0, 3)
  /** Waits until the supervisor has nothing to do for it; it may have for the other tests. */
  const leftAlone = (subject: string) =>
    eventually(async () => {
      const { supervisor } = await kube.json<{
        readonly supervisor: string | { readonly reasons?: readonly string[] }
      }>(['system', 'info'])
      if (typeof supervisor === 'string') return assert.equal(supervisor, 'not needed')
      const { reasons = [] } = supervisor
      assert.notDeepEqual(reasons, [])
      assert.deepEqual(
        reasons.filter(reason => reason.startsWith(`${subject}:`)),
        [],
      )
    })
  const VOLUME = { volumes: [{ name: 'd', emptyDir: {} }] }
  const MOUNT = [{ name: 'd', mountPath: '/d' }]

  test('containers get their signal, and nobody starts them again but start', async () => {
    const script = 'touch /d/run-$(ls /d | wc -l); trap "echo bye; exit 0" TERM; sleep 1000 & wait'
    const manifest = podManifest('rest', [{ script, volumeMounts: MOUNT, livenessProbe: PROBE }], VOLUME)
    await kube.play('rest', manifest)
    await kube.ok(['wait', 'pod/rest', '--for=condition=Ready'])
    const { metadata, status } = await pod('rest')
    assert.equal(await kube.ok(['stop', 'rest']), 'pod/rest stopped\n')
    assert.deepEqual(await statusLine('rest'), ['rest', '0/1', 'Stopped'])
    assert.equal(await kube.ok(['logs', 'rest']), 'bye\n')
    // The supervisor, which had its probe to run, finds nothing to do.
    await leftAlone('pod default/rest')
    const stopped = await pod('rest')
    assert.equal(stopped.status.reason, 'Stopped')
    assert.equal(stopped.status.phase, 'Running')
    assert.equal(containerOf(stopped.status, 'main').state.terminated?.exitCode, 0)
    assert.equal(await kube.ok(['start', 'pod/rest']), 'pod/rest started\n')
    await kube.ok(['wait', 'pod/rest', '--for=condition=Ready'])
    const again = await pod('rest')
    assert.equal(again.metadata.uid, metadata.uid)
    assert.equal(again.status.podIP, status.podIP)
    assert.equal(again.status.reason, undefined)
    await kube.ok(['exec', '-q', 'rest', '--', 'test', '-e', '/d/run-0'])
    await eventually(() => kube.ok(['exec', '-q', 'rest', '--', 'test', '-e', '/d/run-1']))
    await kube.ok(['down', 'rest'])
  })

  test('the longest grace period is waited for', async () => {
    const script = 'trap "sleep 0.5; echo bye; exit 0" TERM; echo up; while :; do sleep 0.1; done'
    await kube.play('patient', podManifest('patient', [{ script }], { terminationGracePeriodSeconds: 2 ** 40 }))
    await eventually(async () => assert.equal(await kube.ok(['logs', 'patient']), 'up\n'))
    await kube.ok(['stop', 'patient'])
    assert.equal(await kube.ok(['logs', 'patient']), 'up\nbye\n')
    await kube.ok(['down', 'patient'])
  })

  test('playing the same file starts it again; down and delete take a stopped one away', async () => {
    const manifest = podManifest('played', [{}])
    await kube.play('played', manifest)
    await kube.ok(['stop', '--time', '1', 'played'])
    assert.equal(await kube.play('played', manifest), 'pod/played started\n')
    assert.deepEqual(await statusLine('played'), ['played', '1/1', 'Running'])
    assert.equal(await kube.play('played', manifest), 'pod/played unchanged\n')
    await kube.ok(['stop', 'played'])
    await kube.ok(['delete', 'pod', 'played'])
    await kube.play('played', manifest)
    await kube.ok(['stop', 'played'])
    await kube.ok(['down', 'played'])
    assert.equal((await kube.run(['get', 'pod', 'played'])).status, 1)
  })

  test('restart starts a stopped pod', async () => {
    await kube.play('anew', podManifest('anew', [{}]))
    await kube.ok(['stop', 'anew'])
    await kube.ok(['restart', 'anew'])
    assert.deepEqual(await statusLine('anew'), ['anew', '1/1', 'Running'])
    await kube.ok(['down', 'anew'])
  })

  test('--start=false makes everything and starts nothing', async () => {
    const web = podManifest('idle', [{ name: 'one' }, { name: 'two' }], {
      initContainers: [shellContainer({ name: 'prep', script: 'true' })],
    })
    await kube.ok(['play', '--start=false', '--app', 'idle', '-'], { input: web })
    assert.deepEqual(await statusLine('idle'), ['idle', '0/2', 'Created'])
    const { status } = await pod('idle')
    assert.equal(status.phase, 'Pending')
    // The namespaces and the network are there.
    assert.match(status.podIP ?? '', /^10\./)
    assert.equal(await kube.ok(['start', 'idle']), 'pod/idle started\n')
    await kube.ok(['wait', 'pod/idle', '--for=condition=Ready'])
    assert.equal(containerOf((await pod('idle')).status, 'one').restartCount, 0)
    await kube.ok(['down', 'idle'])
    const both = await kube.run(['play', '--start=false', '--wait', '-'], { input: web })
    assert.equal(both.status, 2)
    assert.match(both.stderr, /--start=false/)
  })

  test('an init container that was stopped at its work runs again', async () => {
    const prep = shellContainer({
      name: 'prep',
      script: 'n=$(ls /d | wc -l); touch /d/$n; [ $n = 0 ] && exec sleep 1000; exit 0',
      volumeMounts: MOUNT,
    })
    const spec = { ...VOLUME, restartPolicy: 'Never', initContainers: [prep], terminationGracePeriodSeconds: 0 }
    const input = podManifest('early', [{}], spec)
    // A play would wait for the init container, a start does not.
    await kube.ok(['play', '--start=false', '--app', 'early', '-'], { input })
    await kube.ok(['start', 'early'])
    assert.deepEqual(await statusLine('early'), ['early', '0/1', 'Init:0/1'])
    await kube.ok(['stop', 'early'])
    const { status } = await pod('early')
    assert.deepEqual([status.phase, status.reason], ['Pending', 'Stopped'])
    assert.equal(containerOf(status, 'prep').state.terminated?.exitCode, 137)
    await kube.ok(['start', 'early'])
    await kube.ok(['wait', 'pod/early', '--for=condition=Ready'])
    await kube.ok(['down', 'early'])
  })

  test('a stopped Job goes on where it was told to', async () => {
    const job = JSON.stringify({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'work' },
      spec: {
        backoffLimit: 0,
        template: {
          spec: {
            restartPolicy: 'Never',
            terminationGracePeriodSeconds: 0,
            volumes: VOLUME.volumes,
            containers: [
              shellContainer({ script: '[ -e /d/x ] && exit 0; touch /d/x; sleep 1000', volumeMounts: MOUNT }),
            ],
          },
        },
      },
    })
    await kube.play('work', job)
    await kube.ok(['wait', 'pod', '-l', 'job-name=work', '--for=condition=Ready'])
    await kube.ok(['stop', 'job/work'])
    // Neither failed nor made anew, though no retry is left.
    await leftAlone('workloads of app work')
    const pods = await kube.list('pods', 'job-name=work')
    assert.deepEqual(
      pods.map(({ status }) => [status.phase, status.reason]),
      [['Running', 'Stopped']],
    )
    await kube.ok(['start', 'job/work'])
    await kube.ok(['wait', 'job/work', '--for=condition=Complete'])
    await kube.ok(['down', 'work'])
  })

  test('an app and a Deployment', async () => {
    const deployment = JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'front' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'front' } },
        template: {
          metadata: { labels: { app: 'front' } },
          spec: { terminationGracePeriodSeconds: 1, containers: [shellContainer()] },
        },
      },
    })
    await kube.play('shop', `${deployment}\n---\n${podManifest('back', [{}])}`)
    const names = async () =>
      (await kube.ok(['get', 'pods', '-l', 'app=front', '-o', 'jsonpath={.items[*].metadata.uid}'])).split(' ').sort()
    const before = await names()
    assert.match(await kube.ok(['stop', 'deployment/front']), /^(pod\/front-\S+ stopped\n){2}$/)
    assert.deepEqual(await statusLine('back'), ['back', '1/1', 'Running'])
    assert.equal((await kube.ok(['stop', 'shop'])).split('\n').length, 4)
    assert.deepEqual(await names(), before)
    assert.equal((await kube.ok(['start', 'app/shop'])).split('\n').length, 4)
    await kube.ok(['rollout', 'status', 'deployment/front', '--timeout=20s'])
    assert.deepEqual(await names(), before)
    assert.match(await kube.ok(['stop', '-l', 'app=front']), /^(pod\/front-\S+ stopped\n){2}$/)
    await kube.ok(['down', 'shop'])
  })

  test('what is finished after a kill', async () => {
    const script = 'trap "" TERM; sleep 1000'
    await kube.play(
      'killed',
      podManifest('killed', [{ name: 'quick' }, { name: 'stubborn', script }], { terminationGracePeriodSeconds: 3 }),
    )
    const stop = kube.start(['stop', 'killed'])
    await eventually(async () =>
      assert.notEqual(containerOf((await pod('killed')).status, 'quick').state.terminated, undefined),
    )
    stop.signal('SIGKILL')
    await stop.ended
    // The supervisor that the first end woke ends the other one.
    await eventually(async () =>
      assert.notEqual(containerOf((await pod('killed')).status, 'stubborn').state.terminated, undefined),
    )
    assert.deepEqual(await statusLine('killed'), ['killed', '0/2', 'Stopped'])
    await kube.ok(['down', 'killed'])
  })

  test('what cannot be', async () => {
    const none = await kube.run(['stop', 'nobody'])
    assert.equal(none.status, 1)
    assert.match(none.stderr, /pods "nobody" not found/)
    assert.equal((await kube.run(['stop'])).status, 2)
    assert.equal((await kube.run(['stop', '--ignore-not-found', 'nobody'])).status, 0)
    await kube.play('done', podManifest('done', [{ script: 'true' }], { restartPolicy: 'Never' }))
    await kube.ok(['wait', 'pod/done', '--for=jsonpath={.status.phase}=Succeeded'])
    await kube.ok(['stop', 'done'])
    assert.equal((await pod('done')).status.phase, 'Succeeded')
    await kube.ok(['down', 'done'])
  })
})

const PROBE = { exec: { command: ['true'] }, periodSeconds: 1 }
