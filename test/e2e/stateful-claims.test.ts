/** What becomes of the claims of StatefulSets: persistentVolumeClaimRetentionPolicy. In real time. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { useKube } from '../support/kube.ts'
import { podManifest } from '../support/manifests.ts'
import { cannotRunPods } from '../support/need.ts'
import { workloadManifest } from '../support/workload-manifests.ts'

suite('claims of a StatefulSet', { concurrency: 3, skip: cannotRunPods }, () => {
  const kube = useKube()

  const manifest = (name: string, policy: object, replicas = 3) =>
    workloadManifest('StatefulSet', name, {
      script: 'echo run >>/data/runs; trap "exit 0" TERM; sleep 1000 & wait',
      container: { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
      spec: {
        replicas,
        podManagementPolicy: 'Parallel',
        persistentVolumeClaimRetentionPolicy: policy,
        volumeClaimTemplates: [
          {
            metadata: { name: 'data' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
          },
        ],
      },
    })
  const ready = (name: string, count: number) =>
    eventually(async () => assert.equal((await kube.get('sts', name)).status.readyReplicas, count))
  /** Asked of the file system. */
  const volumes = (name: string) => {
    const directory = join(kube.root, 'volumes', 'default')
    const all = existsSync(directory) ? readdirSync(directory) : []
    return all.filter(volume => volume.startsWith(`data-${name}-`)).sort()
  }
  const left = (name: string, ordinals: readonly number[]) =>
    eventually(async () =>
      assert.deepEqual(
        volumes(name),
        ordinals.map(ordinal => `data-${name}-${ordinal}`),
      ),
    )
  /** A container runs a moment before its script writes. */
  const ran = (pod: string, times: number) =>
    eventually(async () =>
      assert.equal(await kube.ok(['exec', '-q', pod, '--', 'cat', '/data/runs']), 'run\n'.repeat(times)),
    )

  test('whenScaled: Delete: a pod that is too many takes its claim along', async () => {
    await kube.play('down', manifest('down', { whenScaled: 'Delete' }))
    await ready('down', 3)
    // One that gets a successor keeps it.
    await kube.ok(['delete', 'pod', 'down-2'])
    await ready('down', 3)
    await ran('down-2', 2)
    await kube.ok(['scale', 'sts/down', '--replicas=1'])
    await left('down', [0])
    await kube.play('down', manifest('down', { whenScaled: 'Delete' }, 2))
    await ready('down', 2)
    await ran('down-0', 1)
    await ran('down-1', 1)
    await kube.ok(['down', 'down'])
    assert.deepEqual(volumes('down'), ['data-down-0', 'data-down-1'])
  })

  test('whenDeleted: Delete: the StatefulSet takes all of them along, however it goes', async () => {
    const set = manifest('gone', { whenDeleted: 'Delete' }, 2)
    await kube.play('gone', set)
    await ready('gone', 2)
    await kube.ok(['scale', 'sts/gone', '--replicas=1'])
    await eventually(async () => assert.equal((await kube.list('pods', 'app=gone')).length, 1))
    assert.equal(volumes('gone').length, 2)
    await kube.ok(['down', 'gone'])
    assert.deepEqual(volumes('gone'), [])

    await kube.play('gone', set)
    assert.equal(volumes('gone').length, 2)
    await kube.ok(['delete', 'sts', 'gone'])
    assert.deepEqual(volumes('gone'), [])

    const other = podManifest('keeps', [{}])
    await kube.play('gone', `${set}\n---\n${other}`)
    // Made again, it is the same StatefulSet.
    await kube.ok(['play', '--replace', '--app', 'gone', '-'], { input: `${set}\n---\n${other}` })
    await ran('gone-0', 2)
    await kube.play('gone', other)
    assert.deepEqual(volumes('gone'), [])
    await kube.ok(['down', 'gone'])
  })

  test('a claim that another pod has goes with that pod, and one that comes back stays', async () => {
    const set = manifest('used', { whenDeleted: 'Delete' }, 1)
    await kube.play('used', set)
    await ready('used', 1)
    const reader = podManifest('reader', [{ volumeMounts: [{ name: 'data', mountPath: '/data' }] }], {
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-used-0' } }],
    })
    await kube.play('reader', reader)
    await kube.ok(['down', 'used'])
    await ran('reader', 1)
    await kube.play('used', set)
    await kube.ok(['down', 'reader'])
    await ran('used-0', 2)

    await kube.play('reader', reader)
    await kube.ok(['down', 'used'])
    assert.deepEqual(volumes('used'), ['data-used-0'])
    await kube.ok(['down', 'reader'])
    assert.deepEqual(volumes('used'), [])
  })
})
