/** postStart, preStop, the grace period and the stop signal, on the machine. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { after, before, suite, test } from 'node:test'
import { podManifest } from '../support/manifests.ts'
import { lacking } from '../support/need.ts'
import { serving } from '../support/serving.ts'
import { Session } from '../support/session.ts'
import { containerOf, eventReasons, type PodView } from '../support/views.ts'

process.env.KUBE_BACKOFF_MS = '300,1200,60000'

suite('hooks', { concurrency: 4, skip: lacking('crun', 'conmon', 'catatonit', 'nft') }, () => {
  let kube: Session
  before(async () => {
    kube = await Session.open()
  })
  after(() => kube.close())

  /** A directory of the machine that a container has at /d. */
  function shared(name: string): { readonly path: string; readonly read: (file: string) => string; volume: object } {
    const path = `${kube.directory}/${name}`
    mkdirSync(path)
    return {
      path,
      read: file => readFileSync(`${path}/${file}`, 'utf8'),
      volume: { volumes: [{ name: 'd', hostPath: { path } }] },
    }
  }
  const volumeMounts = [{ name: 'd', mountPath: '/d' }]

  test('postStart runs in the container, and play waits for it', async () => {
    const { volume, read } = shared('post')
    const lifecycle = { postStart: { exec: { command: ['sh', '-c', 'sleep 0.3; hostname >/d/name'] } } }
    await kube.play(podManifest('post', [{ lifecycle, volumeMounts }], volume), 'post')
    assert.equal(read('name'), 'post\n')
    await kube.ok(['down', 'post'])
  })

  test('a postStart hook that fails ends the container, which is started again', async () => {
    const lifecycle = { postStart: { exec: { command: ['sh', '-c', 'echo secret; exit 4'] } } }
    await kube.play(podManifest('post-fails', [{ lifecycle }]), 'post-fails')
    await kube.ok(['wait', 'pod/post-fails', '--for=jsonpath={.status.containerStatuses[0].restartCount}=1'])
    const events = await eventReasons(kube, 'pod/post-fails')
    assert.ok(events.includes('FailedPostStartHook PostStartHook failed'), events.join('\n'))
    assert.ok(events.includes('Killing FailedPostStartHook'))
    await kube.ok(['down', 'post-fails'])
  })

  test('a postStart hook that hangs keeps nobody from taking the pod away', async () => {
    const lifecycle = {
      postStart: { exec: { command: ['sh', '-c', '[ ! -e /d/again ] || sleep 1000; touch /d/again'] } },
    }
    const spec = { volumes: [{ name: 'd', emptyDir: {} }] }
    const script =
      '[ -e /d/crashed ] || { sleep 0.5; touch /d/crashed; exit 1; }; trap "exit 0" TERM; sleep 1000 & wait'
    await kube.play(podManifest('post-hangs', [{ script, lifecycle, volumeMounts }], spec), 'post-hangs')
    await kube.ok(['wait', 'pod/post-hangs', '--for=jsonpath={.status.containerStatuses[0].restartCount}=1'])
    await kube.eventually(async () => /postStart hook/.test(await kube.ok(['system', 'info'])))
    const { status } = await kube.json<PodView>(['get', 'pod', 'post-hangs'])
    assert.equal(containerOf(status, 'main').ready, false)
    const begun = performance.now()
    await kube.ok(['down', 'post-hangs'])
    assert.ok(performance.now() - begun < 3000)
  })

  test('an interrupted play does not wait for a hook', async () => {
    const lifecycle = { postStart: { exec: { command: ['sleep', '1000'] } } }
    const input = podManifest('interrupted', [{ lifecycle }])
    const interrupt = new AbortController()
    const play = kube.run(['play', '--app', 'interrupted', '-'], { input, signal: interrupt.signal })
    await kube.eventually(async () =>
      /Running/.test(await kube.ok(['get', 'pods', 'interrupted', '--ignore-not-found'])),
    )
    interrupt.abort()
    const { status } = await play
    assert.notEqual(status, 0)
    assert.doesNotMatch(await kube.ok(['get', 'pods']), /interrupted/)
  })

  test('hooks of each kind, in the grace period', async t => {
    const seen: string[] = []
    const { port } = await serving(
      t,
      createServer((request, response) => {
        seen.push(`${request.method} ${request.url} ${request.headers['x-pod']} ${request.headers['user-agent']}`)
        response.end()
      }),
    )
    let connections = 0
    const tcp = await serving(
      t,
      createTcpServer(socket => {
        connections++
        socket.end()
      }),
    )
    const httpGet = { host: '127.0.0.1', port, path: '/started?a=b', httpHeaders: [{ name: 'X-Pod', value: 'one' }] }
    const hooks = {
      one: { postStart: { httpGet }, preStop: { tcpSocket: { host: '127.0.0.1', port: tcp.port } } },
      two: { preStop: { httpGet: { ...httpGet, path: '/stopping' } } },
      three: { postStart: { sleep: { seconds: 1 } } },
    }
    const containers = Object.entries(hooks).map(([name, lifecycle]) => ({ name, lifecycle }))
    const begun = performance.now()
    await kube.play(podManifest('kinds', containers, { terminationGracePeriodSeconds: 5 }), 'kinds')
    assert.ok(performance.now() - begun >= 1000)
    await kube.ok(['down', 'kinds'])
    assert.deepEqual(seen, ['GET /started?a=b one kube-lifecycle/1.0', 'GET /stopping one kube-lifecycle/1.0'])
    assert.equal(connections, 1)
  })

  test('preStop comes before the signal, and its time is part of the grace period', async () => {
    const { path, volume, read } = shared('stop')
    const script = 'trap "echo signal >>/d/log; exit 0" USR1; touch /d/ready; while true; do sleep 0.1; done'
    const preStop = { exec: { command: ['sh', '-c', 'echo hook >>/d/log'] } }
    const main = { script, lifecycle: { preStop, stopSignal: 'SIGUSR1' }, volumeMounts }
    const spec = { ...volume, os: { name: 'linux' }, terminationGracePeriodSeconds: 20 }
    await kube.play(podManifest('stop', [main], spec), 'stop')
    await kube.eventually(async () => existsSync(`${path}/ready`))
    await kube.ok(['down', 'stop'])
    assert.equal(read('log'), 'hook\nsignal\n')
  })

  test('a removal that is under way is left alone by a play of something else: its hook runs once', async () => {
    const { path, read, volume } = shared('leaving')
    const preStop = { exec: { command: ['sh', '-c', 'echo hook >>/d/log; until [ -e /d/go ]; do sleep 0.1; done'] } }
    const spec = { ...volume, terminationGracePeriodSeconds: 30 }
    await kube.play(podManifest('leaving', [{ lifecycle: { preStop }, volumeMounts }], spec), 'leaving')
    const down = kube.run(['down', 'leaving'])
    await kube.eventually(async () => existsSync(`${path}/log`))
    await kube.play(podManifest('coming', [{}]), 'coming')
    assert.doesNotMatch(await kube.ok(['system', 'prune']), /half-done/)
    writeFileSync(`${path}/go`, '')
    assert.deepEqual(await down, { status: 0, stdout: 'pod/leaving removed\n', stderr: '' })
    assert.equal(read('log'), 'hook\n')
    await kube.ok(['down', 'coming'])
  })

  test('a preStop hook that takes too long is not waited for', async () => {
    const lifecycle = { preStop: { sleep: { seconds: 30 } } }
    const script = 'trap "" TERM; while true; do sleep 0.1; done'
    const sleepy = podManifest('sleepy', [{ lifecycle, script }], { terminationGracePeriodSeconds: 30 })
    await kube.play(sleepy, 'sleepy')
    const begun = performance.now()
    await kube.ok(['down', '--grace-period', '1', 'sleepy'])
    const seconds = (performance.now() - begun) / 1000
    // The hook's second, then the two that a container always has.
    assert.ok(seconds >= 2.9 && seconds < 6, `took ${seconds} s`)
  })

  test('a preStop hook that fails is told, and the container stops', async () => {
    const lifecycle = { preStop: { exec: { command: ['false'] } } }
    await kube.play(podManifest('pre-fails', [{ lifecycle }]), 'pre-fails')
    const { metadata } = await kube.json<PodView>(['get', 'pod', 'pre-fails'])
    await kube.ok(['down', 'pre-fails'])
    const events = await eventReasons(kube, 'pod/pre-fails')
    assert.ok(events.includes('FailedPreStopHook PreStopHook failed'), `${metadata.uid}: ${events.join('\n')}`)
    assert.ok(events.includes('Killing Stopping container main'))
  })

  test('a container that ends during its hook ended by itself', async () => {
    const lifecycle = { postStart: { exec: { command: ['sleep', '5'] } } }
    const spec = { restartPolicy: 'Never' }
    await kube.play(podManifest('short', [{ script: 'sleep 0.3; exit 6', lifecycle }], spec), 'short')
    await kube.ok(['wait', 'pod/short', '--for=jsonpath={.status.phase}=Failed'])
    const { status } = await kube.json<PodView>(['get', 'pod', 'short'])
    assert.equal(containerOf(status, 'main').state.terminated?.exitCode, 6)
    await kube.ok(['down', 'short'])
  })
})
