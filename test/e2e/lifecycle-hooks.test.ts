/** postStart, preStop, the grace period and the stop signal, on the machine. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { suite, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { useKube } from '../support/kube.ts'
import { podManifest } from '../support/manifests.ts'
import { cannotRunPods } from '../support/need.ts'
import { containerOf } from '../support/object-views.ts'
import { serving } from '../support/serving.ts'
import { workloadManifest } from '../support/workload-manifests.ts'

/** Initial, maximum, reset, in milliseconds. */
const BACKOFF = '300,1200,60000'

suite('hooks', { concurrency: 4, skip: cannotRunPods }, () => {
  const kube = useKube({ env: { KUBE_BACKOFF_MS: BACKOFF } })

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
    await kube.play('post', podManifest('post', [{ lifecycle, volumeMounts }], volume))
    assert.equal(read('name'), 'post\n')
    await kube.ok(['down', 'post'])
  })

  test('a postStart hook that fails ends the container, which is started again', async () => {
    const lifecycle = { postStart: { exec: { command: ['sh', '-c', 'echo secret; exit 4'] } } }
    await kube.play('post-fails', podManifest('post-fails', [{ lifecycle }]))
    await kube.restarted('post-fails', 1)
    await kube.told('pod/post-fails', 'FailedPostStartHook PostStartHook failed')
    await kube.told('pod/post-fails', 'Killing FailedPostStartHook')
    await kube.ok(['down', 'post-fails'])
  })

  test('a postStart hook that hangs keeps nobody from taking the pod away', async () => {
    const lifecycle = {
      postStart: { exec: { command: ['sh', '-c', '[ ! -e /d/again ] || sleep 1000; touch /d/again'] } },
    }
    const spec = { volumes: [{ name: 'd', emptyDir: {} }] }
    const script =
      '[ -e /d/crashed ] || { sleep 0.5; touch /d/crashed; exit 1; }; trap "exit 0" TERM; sleep 1000 & wait'
    await kube.play('post-hangs', podManifest('post-hangs', [{ script, lifecycle, volumeMounts }], spec))
    await kube.ok(['wait', 'pod/post-hangs', '--for=jsonpath={.status.containerStatuses[0].restartCount}=1'])
    await eventually(async () => assert.match(await kube.ok(['system', 'info']), /postStart hook/))
    const { status } = await kube.get('pod', 'post-hangs')
    assert.equal(containerOf(status, 'main').ready, false)
    const begun = performance.now()
    await kube.ok(['down', 'post-hangs'])
    assert.ok(performance.now() - begun < 3000)
  })

  test('an interrupted play does not wait for a hook', async () => {
    const lifecycle = { postStart: { exec: { command: ['sleep', '1000'] } } }
    const input = podManifest('interrupted', [{ lifecycle }])
    const play = kube.start(['play', '--app', 'interrupted', '-'], { input })
    await eventually(async () =>
      assert.match(await kube.ok(['get', 'pods', 'interrupted', '--ignore-not-found']), /Running/),
    )
    const { status } = await play.interrupt()
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
    await kube.play('kinds', podManifest('kinds', containers, { terminationGracePeriodSeconds: 5 }))
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
    await kube.play('stop', podManifest('stop', [main], spec))
    await eventually(() => assert.ok(existsSync(`${path}/ready`)))
    await kube.ok(['down', 'stop'])
    assert.equal(read('log'), 'hook\nsignal\n')
  })

  test('a removal that is under way is left alone by a play of something else: its hook runs once', async () => {
    const { path, read, volume } = shared('leaving')
    const preStop = { exec: { command: ['sh', '-c', 'echo hook >>/d/log; until [ -e /d/go ]; do sleep 0.1; done'] } }
    const spec = { ...volume, terminationGracePeriodSeconds: 30 }
    await kube.play('leaving', podManifest('leaving', [{ lifecycle: { preStop }, volumeMounts }], spec))
    const down = kube.run(['down', 'leaving'])
    await eventually(() => assert.ok(existsSync(`${path}/log`)))
    await kube.play('coming', podManifest('coming', [{}]))
    assert.doesNotMatch(await kube.ok(['system', 'prune']), /half-done/)
    writeFileSync(`${path}/go`, '')
    assert.deepEqual(await down, { status: 0, stdout: 'pod/leaving removed\n', stderr: '' })
    assert.equal(read('log'), 'hook\n')
    await kube.ok(['down', 'coming'])
  })

  test('a down in the midst of a rolling update: the hook of the pod that was ending already runs once', async () => {
    const { path, read, volume } = shared('rolling')
    const preStop = {
      exec: { command: ['sh', '-c', 'echo $VERSION >>/d/log; until [ -e /d/go ]; do sleep 0.1; done'] },
    }
    const play = (version: string) =>
      kube.play(
        'rolling',
        workloadManifest('Deployment', 'rolling', {
          version,
          container: { lifecycle: { preStop }, volumeMounts },
          pod: { ...volume, terminationGracePeriodSeconds: 600 },
        }),
      )
    const ending = async () => {
      await play('1')
      await play('2')
      await eventually(() => assert.equal(read('log'), '1\n'))
    }
    const hooks = () => read('log').trimEnd().split('\n').sort()
    await ending()
    // That one is the supervisor's, and no killed command's.
    assert.doesNotMatch(await kube.ok(['system', 'prune']), /half-done/)
    const down = kube.run(['down', 'rolling'])
    // By then it is at both pods.
    await eventually(() => assert.match(read('log'), /2/))
    writeFileSync(`${path}/go`, '')
    assert.equal((await down).status, 0)
    assert.deepEqual(hooks(), ['1', '2'])
    rmSync(`${path}/go`)
    rmSync(`${path}/log`)
    await ending()
    // Its own grace period is what it waits for.
    await kube.ok(['down', 'rolling', '--grace-period=1'], { timeoutMs: 60_000 })
    assert.deepEqual(hooks(), ['1', '2'])
  })

  test('a preStop hook that takes too long is not waited for', async () => {
    const lifecycle = { preStop: { sleep: { seconds: 30 } } }
    const script = 'trap "" TERM; while true; do sleep 0.1; done'
    const sleepy = podManifest('sleepy', [{ lifecycle, script }], { terminationGracePeriodSeconds: 30 })
    await kube.play('sleepy', sleepy)
    const begun = performance.now()
    await kube.ok(['down', '--grace-period', '1', 'sleepy'])
    const seconds = (performance.now() - begun) / 1000
    // The hook's second, then the two that a container always has.
    assert.ok(seconds >= 2.9 && seconds < 6, `took ${seconds} s`)
  })

  test('a preStop hook that fails is told, and the container stops', async () => {
    const lifecycle = { preStop: { exec: { command: ['false'] } } }
    await kube.play('pre-fails', podManifest('pre-fails', [{ lifecycle }]))
    await kube.ok(['down', 'pre-fails'])
    await kube.told('pod/pre-fails', 'FailedPreStopHook PreStopHook failed')
    await kube.told('pod/pre-fails', 'Killing Stopping container main')
  })

  test('a container that ends during its hook ended by itself', async () => {
    const lifecycle = { postStart: { exec: { command: ['sleep', '5'] } } }
    const spec = { restartPolicy: 'Never' }
    await kube.play('short', podManifest('short', [{ script: 'sleep 0.3; exit 6', lifecycle }], spec))
    await kube.ok(['wait', 'pod/short', '--for=jsonpath={.status.phase}=Failed'])
    const { status } = await kube.get('pod', 'short')
    assert.equal(containerOf(status, 'main').state.terminated?.exitCode, 6)
    await kube.ok(['down', 'short'])
  })
})
