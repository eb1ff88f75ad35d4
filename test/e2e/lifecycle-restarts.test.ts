/** What follows a container's end, on the machine. In real time: the back-off is shortened. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { useKube } from '../support/kube.ts'
import { podManifest, shellContainer } from '../support/manifests.ts'
import { cannotRunPods } from '../support/need.ts'
import { containerOf } from '../support/object-views.ts'

/** Initial, maximum, reset, in milliseconds. */
const BACKOFF = '300,1200,60000'

suite('restarts', { concurrency: 4, skip: cannotRunPods }, () => {
  const kube = useKube({ env: { KUBE_BACKOFF_MS: BACKOFF } })

  const pod = (name: string) => kube.get('pod', name)
  const until = (name: string, path: string, value: string | number) =>
    kube.ok(['wait', `pod/${name}`, `--for=jsonpath={${path}}=${value}`, '--timeout=20s'])
  const RESTARTS = '.status.containerStatuses[0].restartCount'

  test('Always: the first at once, then with a back-off; the last run is remembered', async () => {
    const script = 'echo run; sleep 0.3; exit 3'
    await kube.play('always', podManifest('always', [{ script }]))
    // One picture of it: the next run begins some tenths of a second later.
    const { metadata, status } = await eventually(async () => {
      const seen = await pod('always')
      assert.equal(containerOf(seen.status, 'main').state.waiting?.reason, 'CrashLoopBackOff')
      return seen
    })
    const { state, lastState, restartCount, ready } = containerOf(status, 'main')
    assert.ok(restartCount >= 1)
    assert.equal(ready, false)
    const id = `always_default(${metadata.uid})`
    assert.match(
      state.waiting?.message ?? '',
      /^back-off (300ms|600ms|1\.2s) restarting failed container=main pod=always_/,
    )
    assert.ok(state.waiting?.message?.endsWith(id))
    assert.equal(lastState.terminated?.exitCode, 3)
    assert.equal(lastState.terminated?.reason, 'Error')
    await eventually(async () => assert.match(await kube.ok(['get', 'pods', 'always']), /0\/1 +CrashLoopBackOff/))
    await kube.restarted('always', 3)
    await kube.told('pod/always', `BackOff Back-off restarting failed container main in pod ${id}`)
    await kube.told('pod/always', 'Started Container started')
    await kube.ok(['down', 'always'])
  })

  test('the log of the run before', async () => {
    const script =
      'n=$(cat /d/n 2>/dev/null || echo 0); echo $((n+1)) >/d/n; echo run $n; [ $n -lt 2 ] && exit 1; sleep 1000'
    const volumes = [{ name: 'd', emptyDir: {} }]
    const volumeMounts = [{ name: 'd', mountPath: '/d' }]
    await kube.play('previous', podManifest('previous', [{ script, volumeMounts }], { volumes }))
    await until('previous', RESTARTS, 2)
    await until('previous', '.status.containerStatuses[0].ready', 'true')
    assert.equal(await kube.ok(['logs', 'previous']), 'run 2\n')
    assert.equal(await kube.ok(['logs', '--previous', 'previous']), 'run 1\n')
    await kube.ok(['down', 'previous'])
  })

  test('a pod whose infra container died begins anew in another', async () => {
    await kube.play('sandbox', podManifest('sandbox', [{ script: 'sleep 1; exit 1' }, { name: 'other' }]))
    const infraOf = async () => {
      const [pod] = await kube.json<readonly { readonly infra: { readonly pid: number } }[]>(['inspect', 'sandbox'])
      return pod!.infra.pid
    }
    const first = await infraOf()
    process.kill(first, 'SIGKILL')
    await until('sandbox', '.status.containerStatuses[?(@.name=="other")].restartCount', 1)
    await kube.ok(['wait', 'pod/sandbox', '--for=condition=PodReadyToStartContainers', '--timeout=20s'])
    assert.notEqual(await infraOf(), first)
    await kube.told('pod/sandbox', 'SandboxChanged Pod sandbox changed, it will be killed and re-created.')
    await kube.told('pod/sandbox', 'Killing Stopping container other')
    await kube.ok(['down', 'sandbox'])
  })

  test('OnFailure: until it succeeds', async () => {
    const script = '[ -e /d/again ] && exit 0; touch /d/again; exit 7'
    const volumes = [{ name: 'd', emptyDir: {} }]
    const volumeMounts = [{ name: 'd', mountPath: '/d' }]
    const spec = { restartPolicy: 'OnFailure', volumes }
    await kube.play('on-failure', podManifest('on-failure', [{ script, volumeMounts }], spec))
    await until('on-failure', '.status.phase', 'Succeeded')
    const { restartCount, lastState, state } = containerOf((await pod('on-failure')).status, 'main')
    assert.equal(restartCount, 1)
    assert.equal(lastState.terminated?.exitCode, 7)
    assert.equal(state.terminated?.reason, 'Completed')
    await kube.ok(['down', 'on-failure'])
  })

  test('Never: its status stays', async () => {
    const message = 'echo -n broken >/dev/termination-log; exit 9'
    await kube.play('never', podManifest('never', [{ script: message }], { restartPolicy: 'Never' }))
    await until('never', '.status.phase', 'Failed')
    const { restartCount, state } = containerOf((await pod('never')).status, 'main')
    assert.equal(restartCount, 0)
    assert.equal(state.terminated?.exitCode, 9)
    assert.equal(state.terminated?.message, 'broken')
    await kube.ok(['down', 'never'])
  })

  test('each container by its own policy and rules', async () => {
    const rules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }]
    const volumes = [{ name: 'd', emptyDir: {} }]
    const volumeMounts = [{ name: 'd', mountPath: '/d' }]
    const script = 'if [ -e /d/once ]; then exit 1; fi; touch /d/once; exit 42'
    await kube.play(
      'rules',
      podManifest(
        'rules',
        [
          { name: 'ruled', script, volumeMounts, restartPolicy: 'Never', restartPolicyRules: rules },
          { name: 'stays', script: 'exit 5', restartPolicy: 'Never' },
          { name: 'other' },
        ],
        { volumes },
      ),
    )
    const wanted = '.status.containerStatuses[?(@.name=="ruled")].state.terminated.exitCode'
    await until('rules', wanted, 1)
    const { status } = await pod('rules')
    assert.equal(containerOf(status, 'ruled').restartCount, 1)
    assert.equal(containerOf(status, 'stays').restartCount, 0)
    assert.equal(containerOf(status, 'stays').state.terminated?.exitCode, 5)
    assert.equal(containerOf(status, 'other').ready, true)
    await kube.ok(['down', 'rules'])
  })

  test('out of memory', async () => {
    const resources = { limits: { memory: '16Mi' } }
    const spec = { restartPolicy: 'Never' }
    await kube.play('oom', podManifest('oom', [{ script: 'tail /dev/zero', resources }], spec))
    await until('oom', '.status.phase', 'Failed')
    const { state } = containerOf((await pod('oom')).status, 'main')
    assert.equal(state.terminated?.reason, 'OOMKilled')
    assert.equal(state.terminated?.exitCode, 137)
    assert.match(await kube.ok(['get', 'pod', 'oom']), /OOMKilled/)
    await kube.ok(['down', 'oom'])
  })

  test('an init container is tried again', async () => {
    const script = 'n=$(cat /d/n 2>/dev/null || echo 0); echo $((n+1)) >/d/n; [ $n -ge 2 ]'
    const volumeMounts = [{ name: 'd', mountPath: '/d' }]
    const spec = {
      volumes: [{ name: 'd', emptyDir: {} }],
      initContainers: [shellContainer({ name: 'prepare', script, volumeMounts })],
    }
    await kube.play('retried', podManifest('retried', [{ script: 'cat /d/n; sleep 1000', volumeMounts }], spec))
    await kube.ok(['wait', 'pod/retried', '--for=condition=Ready', '--timeout=20s'])
    const { status } = await pod('retried')
    assert.equal(status.initContainerStatuses?.[0]?.restartCount, 2)
    await eventually(async () => assert.equal(await kube.ok(['logs', 'retried', '-c', 'main']), '3\n'))
    await kube.ok(['down', 'retried'])
  })

  test('a sidecar is started again alone, and ends with the pod', async () => {
    const volumeMounts = [{ name: 'd', mountPath: '/d' }]
    const crashes = '[ -e /d/again ] || { touch /d/again; exit 1; }; trap "exit 0" TERM; sleep 1000 & wait'
    const spec = {
      restartPolicy: 'Never',
      volumes: [{ name: 'd', emptyDir: {} }],
      initContainers: [shellContainer({ name: 'side', script: crashes, volumeMounts, restartPolicy: 'Always' })],
    }
    const script = 'while [ ! -e /d/done ]; do sleep 0.1; done'
    await kube.play('sidecar', podManifest('sidecar', [{ script, volumeMounts }], spec))
    await until('sidecar', '.status.initContainerStatuses[0].restartCount', 1)
    await until('sidecar', '.status.initContainerStatuses[0].ready', 'true')
    assert.equal(containerOf((await pod('sidecar')).status, 'main').restartCount, 0)
    await kube.ok(['exec', 'sidecar', '-c', 'main', '--', 'touch', '/d/done'])
    await until('sidecar', '.status.initContainerStatuses[0].state.terminated.exitCode', 0)
    assert.equal((await pod('sidecar')).status.phase, 'Succeeded')
    await kube.ok(['down', 'sidecar'])
  })

  test('a sidecar that crashes while a play waits for an init container is started again meanwhile, with its back-off', async () => {
    const volumeMounts = [{ name: 'd', mountPath: '/d' }]
    const crashes = 'echo run >>/d/runs; [ $(wc -l </d/runs) -ge 3 ] || exit 1; touch /d/up; exec sleep 1000'
    const spec = {
      volumes: [{ name: 'd', emptyDir: {} }],
      terminationGracePeriodSeconds: 0,
      initContainers: [
        shellContainer({ name: 'side', script: crashes, volumeMounts, restartPolicy: 'Always' }),
        shellContainer({ name: 'needs', script: 'until [ -e /d/up ]; do sleep 0.05; done', volumeMounts }),
      ],
    }
    const input = podManifest('needed', [{ volumeMounts }], spec)
    const { status, stdout, stderr } = await kube.run(['play', '--app', 'needed', '-'], { input })
    // No word of an init container that is still running.
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: 'pod/needed created\n', stderr: '' })
    const { initContainerStatuses = [], containerStatuses } = (await pod('needed')).status
    assert.deepEqual(
      initContainerStatuses.map(({ restartCount, lastState, state }) => [
        restartCount,
        lastState.terminated?.exitCode,
        state.terminated?.exitCode,
      ]),
      [
        [2, 1, undefined],
        [0, undefined, 0],
      ],
    )
    assert.ok(containerStatuses[0]?.state.running)
    await kube.ok(['down', 'needed'])
  })

  test('sidecars stop last, in reverse order', async () => {
    const directory = `${kube.directory}/order`
    mkdirSync(directory)
    const volumeMounts = [{ name: 'd', mountPath: '/d' }]
    const script = (name: string) => `trap "echo ${name} >>/d/log; exit 0" TERM; sleep 1000 & wait`
    const sidecar = (name: string) =>
      shellContainer({ name, script: script(name), volumeMounts, restartPolicy: 'Always' })
    const spec = {
      terminationGracePeriodSeconds: 10,
      volumes: [{ name: 'd', hostPath: { path: directory } }],
      initContainers: [sidecar('first'), sidecar('second')],
    }
    await kube.play('order', podManifest('order', [{ script: script('main'), volumeMounts }], spec))
    await kube.ok(['wait', 'pod/order', '--for=condition=Ready'])
    await kube.ok(['down', 'order'])
    assert.equal(readFileSync(`${directory}/log`, 'utf8'), 'main\nsecond\nfirst\n')
  })

  test('a sidecar lets the rest start when its startup probe passed', async () => {
    const volumeMounts = [{ name: 'd', mountPath: '/d' }]
    const startupProbe = { exec: { command: ['test', '-e', '/d/up'] }, periodSeconds: 1, failureThreshold: 30 }
    const script = 'until [ -e /d/go ]; do sleep 0.1; done; touch /d/up; trap "exit 0" TERM; sleep 1000 & wait'
    const spec = {
      volumes: [{ name: 'd', emptyDir: {} }],
      initContainers: [shellContainer({ name: 'side', script, volumeMounts, startupProbe, restartPolicy: 'Always' })],
    }
    await kube.play('gate', podManifest('gate', [{ script: 'ls /d; sleep 1000', volumeMounts }], spec))
    assert.equal((await pod('gate')).status.phase, 'Pending')
    assert.match(await kube.ok(['get', 'pod', 'gate']), /Init:0\/1/)
    await kube.ok(['exec', 'gate', '-c', 'side', '--', 'touch', '/d/go'])
    await kube.ok(['wait', 'pod/gate', '--for=condition=Ready'])
    await eventually(async () => assert.equal(await kube.ok(['logs', 'gate', '-c', 'main']), 'go\nup\n'))
    await kube.ok(['down', 'gate'])
  })

  test('a pod has only so much time', async () => {
    await kube.play('late', podManifest('late', [{}], { activeDeadlineSeconds: 1 }))
    await until('late', '.status.phase', 'Failed')
    const { status } = await pod('late')
    assert.equal(status.reason, 'DeadlineExceeded')
    assert.equal(status.message, 'Pod was active on the node longer than the specified deadline')
    await until('late', '.status.containerStatuses[0].state.terminated.exitCode', 0)
    await kube.ok(['down', 'late'])
  })
})
