/** The supervisor's own life: there when it is needed, gone when not, and what a kill at any moment does. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { afterEach, suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { useKube } from '../support/kube.ts'
import { podManifest } from '../support/manifests.ts'
import { cannotRunPods } from '../support/need.ts'
import { containerOf } from '../support/object-views.ts'
import { withMountsOf } from '../support/pod-mounts.ts'

/** Initial, maximum, reset, in milliseconds. */
const BACKOFF = '200,400,60000'

interface Info {
  readonly supervisor: string | { readonly pid: number; readonly reasons?: readonly string[] }
}

interface Claims {
  readonly aud: readonly string[]
  readonly iat: number
  readonly exp: number
}

suite('supervisor', { skip: cannotRunPods }, () => {
  const kube = useKube({ env: { KUBE_BACKOFF_MS: BACKOFF } })
  afterEach(async () => {
    // Only after a failure is something left.
    for (const { metadata } of await kube.list('pods')) await kube.ok(['delete', 'pod', metadata.name, '--force'])
    await eventually(async () => assert.equal(await supervisor(), undefined))
  })

  async function supervisor(): Promise<Exclude<Info['supervisor'], string> | undefined> {
    const info = await kube.json<Info>(['system', 'info'])
    return typeof info.supervisor === 'string' ? undefined : info.supervisor
  }
  const main = async (name: string) => containerOf((await kube.get('pod', name)).status, 'main')

  test('none for pods that need none', async () => {
    await kube.play('plain', podManifest('plain', [{}]))
    assert.equal(await supervisor(), undefined)
    await kube.ok(['down', 'plain'])
  })

  test('one for probes, which says why it lives, and ends with them', async () => {
    const readinessProbe = { exec: { command: ['true'] }, periodSeconds: 1 }
    await kube.play('probed', podManifest('probed', [{ readinessProbe }]))
    await kube.ok(['wait', 'pod/probed', '--for=condition=Ready'])
    await eventually(async () => assert.equal((await supervisor())?.reasons?.length, 1))
    const { pid, reasons } = (await supervisor())!
    assert.deepEqual(reasons, ['pod default/probed: probes of container main'])
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    assert.match(commandLine, /\0supervise\0/)
    // What lives long has a hash seed of its own.
    assert.doesNotMatch(commandLine, /rehash/)
    // A second pod is looked after by the same one.
    await kube.play('probed-2', podManifest('probed-2', [{ readinessProbe }]))
    await kube.ok(['wait', 'pod/probed-2', '--for=condition=Ready'])
    assert.equal((await supervisor())?.pid, pid)
    await kube.ok(['down', 'probed'])
    await kube.ok(['down', 'probed-2'])
  })

  test('gone once what crashed runs again', async () => {
    await kube.play(
      'once',
      podManifest(
        'once',
        [
          {
            script: '[ -e /d/x ] || { touch /d/x; exit 1; }; sleep 1000',
            volumeMounts: [{ name: 'd', mountPath: '/d' }],
          },
        ],
        { volumes: [{ name: 'd', emptyDir: {} }] },
      ),
    )
    await kube.restarted('once', 1)
    await eventually(async () => assert.equal(await supervisor(), undefined))
    assert.equal((await main('once')).ready, true)
    await kube.ok(['down', 'once'])
  })

  test('killed before it could begin, it is brought back by a command that only looks', async () => {
    await kube.ok(['get', 'pods'])
    // It waits for the lock, and so never gets to writing down who it is.
    const holder = spawn('flock', [`${kube.runroot}/supervisor.lock`, 'sh', '-c', 'echo held; cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    try {
      await once(holder.stdout, 'data')
      const livenessProbe = { exec: { command: ['false'] }, periodSeconds: 1, failureThreshold: 1 }
      await kube.play('unprobed', podManifest('unprobed', [{ livenessProbe }]))
      const starting = Number(readFileSync(`${kube.runroot}/supervisor.starting`, 'utf8').split(' ')[0])
      assert.match(readFileSync(`/proc/${starting}/cmdline`, 'utf8'), /kube/)
      process.kill(starting, 'SIGKILL')
      holder.stdin.end()
      await once(holder, 'exit')
    } finally {
      holder.kill()
    }
    assert.match(await kube.ok(['ps']), /unprobed/)
    await kube.restarted('unprobed', 1)
    assert.equal(existsSync(`${kube.runroot}/supervisor.starting`), false)
    await kube.ok(['down', 'unprobed'])
  })

  test('killed at any moment, the next one goes on with the counts it had', async () => {
    await kube.play('crash', podManifest('crash', [{ script: 'sleep 0.2; exit 1' }, { name: 'calm' }]))
    const calm = async () => (await kube.get('pod', 'crash')).status.containerStatuses[0]
    const before = await calm()
    let count = 0
    for (let round = 0; round < 6; round++) {
      await eventually(async () => assert.notEqual(await supervisor(), undefined))
      // Not the same moment of its work each time.
      await delay(round * 37)
      const running = await supervisor()
      if (running) process.kill(running.pid, 'SIGKILL')
      const { restartCount } = await main('crash')
      assert.ok(restartCount >= count, `${restartCount} restarts after ${count}`)
      count = restartCount
    }
    await eventually(async () => {
      const { restartCount } = await main('crash')
      assert.ok(restartCount > count, `${restartCount} restarts`)
    })
    assert.deepEqual(await calm(), before)
    await kube.ok(['down', 'crash'])
  })

  test('killed while it probes, the next command starts another', async () => {
    const readinessProbe = { exec: { command: ['test', '-e', '/tmp/ready'] }, periodSeconds: 1 }
    await kube.play('orphan', podManifest('orphan', [{ readinessProbe }]))
    await eventually(async () => assert.notEqual(await supervisor(), undefined))
    process.kill((await supervisor())!.pid, 'SIGKILL')
    await kube.ok(['exec', 'orphan', '--', 'touch', '/tmp/ready'])
    await kube.ok(['wait', 'pod/orphan', '--for=condition=Ready'])
    await kube.ok(['down', 'orphan'])
  })

  test('a container that ends while the supervisor does is started again', async () => {
    // Ends again and again about when the supervisor, with nothing left to do, ends: 300 ms after the last restart.
    const script =
      'n=$(cat /d/n 2>/dev/null || echo 0); echo $((n+1)) >/d/n; sleep 0.$((27 + n)); [ $n -ge 6 ] && sleep 1000'
    const volumeMounts = [{ name: 'd', mountPath: '/d' }]
    await kube.play('edge', podManifest('edge', [{ script, volumeMounts }], { volumes: [{ name: 'd', emptyDir: {} }] }))
    await kube.ok(['wait', 'pod/edge', '--for=jsonpath={.status.containerStatuses[0].restartCount}=6', '--timeout=20s'])
    await kube.ok(['down', 'edge'])
  })

  test('service account tokens are renewed before they end', async () => {
    const source = { serviceAccountToken: { path: 'token', audience: 'vault', expirationSeconds: 600 } }
    const volumes = [{ name: 'id', projected: { sources: [source] } }]
    await kube.play(
      'bearer',
      podManifest('bearer', [{ volumeMounts: [{ name: 'id', mountPath: '/id' }] }], { volumes }),
    )
    await eventually(async () =>
      assert.equal((await supervisor())?.reasons?.[0], 'pod default/bearer: renewal of its tokens'),
    )
    const { uid } = (await kube.get('pod', 'bearer')).metadata
    const file = `${kube.root}/pods/${uid}/files/id/token`
    const token = () => withMountsOf(kube, uid, ['cat', file])
    const claims = () => JSON.parse(Buffer.from(token().split('.')[1]!, 'base64url').toString()) as Claims
    const first = claims()
    assert.deepEqual([first.aud, first.exp - first.iat], [['vault'], 600])
    // As if four fifths of its life had gone by unseen.
    process.kill((await supervisor())!.pid, 'SIGKILL')
    const old = { ...first, iat: first.iat - 481, exp: first.exp - 481 }
    const stale = `e30.${Buffer.from(JSON.stringify(old)).toString('base64url')}.x`
    withMountsOf(kube, uid, ['dd', 'status=none', `of=${file}`], stale)
    await kube.ok(['exec', 'bearer', '--', 'true'])
    await eventually(async () => {
      assert.notEqual(await supervisor(), undefined)
      assert.ok(claims().iat > old.iat, JSON.stringify(claims()))
    })
    assert.equal(await kube.ok(['exec', 'bearer', '--', 'cat', '/id/token']), token())
    assert.equal(claims().exp - claims().iat, 600)
    await kube.ok(['down', 'bearer'])
  })

  test('ends at once when its last pod is taken away', async () => {
    await kube.play('looping', podManifest('looping', [{ script: 'exit 1' }]))
    await eventually(async () => assert.notEqual(await supervisor(), undefined))
    await kube.ok(['down', 'looping'])
    assert.equal(await supervisor(), undefined)
  })
})
