/** A monitor or an infra container that somebody kills while its containers run. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { type Kube, useKube } from '../support/kube.ts'
import { podManifest } from '../support/manifests.ts'
import { cannotRunPods } from '../support/need.ts'
import { containerOf } from '../support/object-views.ts'
import { workloadManifest } from '../support/workload-manifests.ts'

interface Infra {
  readonly pid?: number
  readonly state: string
}

/** To inspect a pod wakes nobody, as other looks do. */
async function inspectInfra(kube: Kube, pod: string): Promise<Infra> {
  const [found] = await kube.json<readonly { readonly infra: Infra }[]>(['inspect', pod])
  return found!.infra
}

suite('killed monitors', { concurrency: 3, skip: cannotRunPods }, () => {
  const kube = useKube({ env: { KUBE_BACKOFF_MS: '200,1000,60000' } })

  /** Runs until there is a file /tmp/end. */
  const ENDABLE = { script: 'until [ -e /tmp/end ]; do sleep 0.1; done' }
  const statusOf = async (pod: string, container: string) => containerOf((await kube.get('pod', pod)).status, container)
  const infraOf = (pod: string) => inspectInfra(kube, pod)

  async function killMonitor(pod: string): Promise<void> {
    const { containerID = '' } = await statusOf(pod, 'main')
    const id = containerID.replace(/^.*\//, '')
    process.kill(Number(readFileSync(join(kube.runroot, 'c', id.slice(0, 20), 'conmon.pid'), 'utf8')), 'SIGKILL')
  }
  const end = (pod: string) => kube.ok(['exec', pod, '-c', 'main', '--', 'touch', '/tmp/end'])

  test('a container without its monitor runs on; its end is seen by whoever looks, and it is started again', async () => {
    const manifest = podManifest('again', [ENDABLE, { name: 'other' }])
    await kube.play('again', manifest)
    await killMonitor('again')
    assert.ok((await statusOf('again', 'main')).state.running)
    assert.equal(await kube.ok(['exec', '-q', 'again', '-c', 'main', '--', 'echo', 'hello']), 'hello\n')
    assert.equal(await kube.play('again', manifest), 'pod/again unchanged\n')
    const { status, stderr } = await kube.run(['attach', 'again', '-c', 'main'])
    assert.equal(status, 1)
    assert.match(stderr, /its monitor does not answer/)

    const first = (await statusOf('again', 'main')).containerID
    await end('again')
    await kube.restarted('again', 1)
    const { lastState } = await statusOf('again', 'main')
    const { exitCode, reason, containerID } = lastState.terminated!
    assert.deepEqual([exitCode, reason, containerID], [137, 'ContainerStatusUnknown', first])
    assert.equal((await statusOf('again', 'other')).restartCount, 0)
    await kube.ok(['down', 'again'])
  })

  test('one that is not started again has ended all the same, and what waits for it goes on', async () => {
    await kube.play('over', podManifest('over', [ENDABLE], { restartPolicy: 'Never' }))
    const follow = kube.start(['logs', '-f', 'over'])
    const wait = kube.start(['wait', 'pod/over', '--for=jsonpath={.status.phase}=Failed', '--timeout=30s'])
    await killMonitor('over')
    await end('over')
    assert.deepEqual([(await wait.ended).status, (await follow.ended).status], [0, 0])
    const { terminated } = (await statusOf('over', 'main')).state
    assert.deepEqual([terminated?.exitCode, terminated?.reason], [137, 'ContainerStatusUnknown'])
    // A pod that is over gives its namespaces back.
    await eventually(async () => assert.equal((await infraOf('over')).pid, undefined))
    assert.equal((await kube.get('pod', 'over')).status.phase, 'Failed')
    await kube.ok(['down', 'over'])
  })
})

/** By itself: the looks of other tests would wake the supervisor. */
suite('a killed infra container', { skip: cannotRunPods }, () => {
  const kube = useKube()

  test('a pod without its infra container is not told as ready, and begins anew once somebody looks', async () => {
    await kube.play('torn', podManifest('torn', [{}, { name: 'other' }]))
    const infra = (await inspectInfra(kube, 'torn')).pid!
    process.kill(infra, 'SIGKILL')
    await eventually(async () => assert.equal((await inspectInfra(kube, 'torn')).state, 'dead'))
    const { status } = await kube.get('pod', 'torn')
    const ready = status.conditions.find(({ type }) => type === 'Ready')
    assert.deepEqual([status.reason, ready?.status, ready?.reason], ['SandboxChanged', 'False', 'SandboxChanged'])
    await kube.restarted('torn', 1, 'other')
    await eventually(async () => {
      const { conditions } = (await kube.get('pod', 'torn')).status
      assert.equal(conditions.find(({ type }) => type === 'Ready')?.status, 'True')
    })
    assert.notEqual((await inspectInfra(kube, 'torn')).pid, infra)
    await kube.ok(['down', 'torn'])
  })

  test('a pod of a workload that lost its infra container stays that pod, with its volumes', async () => {
    const parts = {
      container: { volumeMounts: [{ name: 'kept', mountPath: '/kept' }] },
      pod: { volumes: [{ name: 'kept', emptyDir: { medium: 'Memory' } }] },
    }
    await kube.play('deployed', workloadManifest('Deployment', 'deployed', parts))
    const only = async () => {
      const pods = await kube.list('pods', 'app=deployed')
      assert.equal(pods.length, 1)
      return pods[0]!
    }
    const { name, uid } = (await only()).metadata
    await kube.ok(['exec', name, '--', 'touch', '/kept/file'])
    const infra = (await inspectInfra(kube, name)).pid!
    process.kill(infra, 'SIGKILL')
    await kube.restarted(name, 1)
    await eventually(async () => {
      assert.notEqual((await inspectInfra(kube, name)).pid, infra)
      const { status } = await only()
      assert.equal(status.conditions.find(({ type }) => type === 'Ready')?.status, 'True')
    })
    assert.equal((await only()).metadata.uid, uid)
    assert.equal(await kube.ok(['exec', name, '--', 'ls', '/kept']), 'file\n')
    await kube.ok(['down', 'deployed'])
  })
})
