import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Cluster, cluster, template, workload } from './fixture.ts'
import { isTerminating } from './pods.ts'

function statefulSet(version: string, spec: object = {}): object {
  return workload('StatefulSet', { serviceName: 'web', replicas: 3, template: template(version), ...spec })
}

const versions = (world: Cluster) =>
  Object.fromEntries(
    world
      .pods()
      .filter(pod => !isTerminating(pod))
      .map(({ metadata }) => [metadata.name, metadata.labels?.['controller-revision-hash']?.slice(4)])
      .sort(),
  )
const leaving = (world: Cluster) =>
  world
    .pods()
    .filter(isTerminating)
    .map(({ metadata }) => metadata.name)

/** Everything comes and goes as soon as it may. */
function finish(world: Cluster): void {
  for (let i = 0; i < 50; i++) {
    world.reap()
    world.ready()
    world.settle()
  }
}

describe('StatefulSet', () => {
  test('OrderedReady: one after the other, each when the one before it is ready', () => {
    const world = cluster()
    world.apply(statefulSet('1'))
    assert.deepEqual(world.names(), ['web-0'])
    world.settle()
    assert.deepEqual(world.names(), ['web-0'])
    world.ready('web-0')
    world.settle()
    assert.deepEqual(world.names(), ['web-0', 'web-1'])
    world.unready('web-0')
    world.ready('web-1')
    world.settle()
    assert.deepEqual(world.names(), ['web-0', 'web-1'])
    world.ready('web-0')
    world.settle()
    assert.deepEqual(world.names(), ['web-0', 'web-1', 'web-2'])
  })

  test('whenScaled: Delete releases the claims of pods that are too many, and of no others', () => {
    const claims = { volumeClaimTemplates: [{ metadata: { name: 'data' } }], podManagementPolicy: 'Parallel' }
    const set = (replicas: number, whenScaled: string) =>
      statefulSet('1', { ...claims, replicas, persistentVolumeClaimRetentionPolicy: { whenScaled } })
    const world = cluster({ isInstant: true })
    world.apply(set(4, 'Delete'))
    world.remove('web-0')
    world.settle()
    world.apply(set(2, 'Delete'))
    assert.deepEqual([...world.released].toSorted(), ['data-web-2', 'data-web-3'])
    world.released.clear()
    world.apply(set(1, 'Retain'))
    assert.deepEqual([world.names(), [...world.released]], [['web-0'], []])
  })

  test('Parallel: all at once', () => {
    const world = cluster()
    world.apply(statefulSet('1', { podManagementPolicy: 'Parallel', ordinals: { start: 5 } }))
    assert.deepEqual(world.names(), ['web-5', 'web-6', 'web-7'])
    world.apply(statefulSet('1', { podManagementPolicy: 'Parallel', replicas: 1, ordinals: { start: 5 } }))
    assert.deepEqual(leaving(world), ['web-6', 'web-7'])
  })

  test('scaling down takes the highest away, one by one', () => {
    const world = cluster()
    world.apply(statefulSet('1'))
    finish(world)
    world.apply(statefulSet('1', { replicas: 1 }))
    assert.deepEqual(leaving(world), ['web-2'])
    world.reap()
    world.settle()
    assert.deepEqual(leaving(world), ['web-1'])
    world.reap()
    world.settle()
    assert.deepEqual(world.names(), ['web-0'])
  })

  test('a pod that is gone comes back under its name, but not before it is gone', () => {
    const world = cluster()
    world.apply(statefulSet('1'))
    finish(world)
    world.remove('web-1')
    world.settle()
    assert.deepEqual(Object.keys(versions(world)), ['web-0', 'web-2'])
    world.reap()
    world.settle()
    assert.deepEqual(Object.keys(versions(world)), ['web-0', 'web-1', 'web-2'])
  })

  test('a failed or lost pod is taken away and made again', () => {
    const world = cluster()
    world.apply(statefulSet('1'))
    finish(world)
    world.exit('web-1', 1)
    world.lose('web-2')
    world.settle()
    assert.deepEqual(leaving(world), ['web-1'])
    finish(world)
    assert.deepEqual(Object.keys(versions(world)), ['web-0', 'web-1', 'web-2'])
  })

  test('rolling update: from the highest down, each when the one before is ready', () => {
    const world = cluster()
    world.apply(statefulSet('1'))
    finish(world)
    const old = versions(world)['web-0']
    world.apply(statefulSet('2'))
    assert.deepEqual(leaving(world), ['web-2'])
    world.reap()
    world.settle()
    assert.deepEqual(leaving(world), [])
    assert.notEqual(versions(world)['web-2'], old)
    assert.deepEqual(world.status('StatefulSet', 'web').updatedReplicas, 1)
    world.ready('web-2')
    world.settle()
    assert.deepEqual(leaving(world), ['web-1'])
    finish(world)
    const now = versions(world)
    assert.ok(Object.values(now).every(hash => hash === now['web-0'] && hash !== old))
    const { currentRevision, updateRevision } = world.status('StatefulSet', 'web')
    assert.equal(currentRevision, updateRevision)
    assert.equal(world.objects('ControllerRevision').length, 2)
  })

  test('maxUnavailable: as many at once', () => {
    const world = cluster()
    const updateStrategy = { rollingUpdate: { maxUnavailable: 2 } }
    world.apply(statefulSet('1', { updateStrategy }))
    finish(world)
    world.apply(statefulSet('2', { updateStrategy }))
    assert.deepEqual(leaving(world), ['web-1', 'web-2'])
  })

  test('partition: those below it keep their template, also when they are made again', () => {
    const world = cluster()
    const updateStrategy = { rollingUpdate: { partition: 2 } }
    world.apply(statefulSet('1'))
    finish(world)
    const before = versions(world)
    world.apply(statefulSet('2', { updateStrategy }))
    finish(world)
    world.remove('web-0')
    finish(world)
    const after = versions(world)
    assert.equal(after['web-0'], before['web-0'])
    assert.equal(after['web-1'], before['web-1'])
    assert.notEqual(after['web-2'], before['web-2'])
    const status = world.status('StatefulSet', 'web')
    assert.deepEqual([status.currentReplicas, status.updatedReplicas], [2, 1])
  })

  test('a pod that never gets ready does not keep the next template out', () => {
    const world = cluster()
    world.apply(statefulSet('1'))
    finish(world)
    world.apply(statefulSet('broken'))
    world.reap()
    world.settle()
    world.pass(600)
    assert.deepEqual(leaving(world), [])
    world.apply(statefulSet('1'))
    assert.deepEqual(leaving(world), ['web-2'])
    finish(world)
    assert.equal(world.status('StatefulSet', 'web').readyReplicas, 3)
  })

  test('OnDelete: a pod gets the new template when somebody takes it away', () => {
    const world = cluster()
    const updateStrategy = { type: 'OnDelete' }
    world.apply(statefulSet('1', { updateStrategy }))
    finish(world)
    const old = versions(world)['web-0']
    world.apply(statefulSet('2', { updateStrategy }))
    finish(world)
    assert.ok(Object.values(versions(world)).every(hash => hash === old))
    world.remove('web-1')
    finish(world)
    assert.notEqual(versions(world)['web-1'], old)
    assert.equal(versions(world)['web-0'], old)
  })

  test('minReadySeconds: the next one waits for it', () => {
    const world = cluster()
    world.apply(statefulSet('1', { minReadySeconds: 5 }))
    world.ready('web-0')
    world.settle()
    assert.deepEqual([world.names(), world.wakeAtMs()], [['web-0'], world.nowMs + 5999])
    world.pass(5)
    assert.deepEqual(world.names(), ['web-0'])
    world.pass(1)
    assert.deepEqual(world.names(), ['web-0', 'web-1'])
  })

  test('the history keeps as many revisions as its limit says', () => {
    const world = cluster({ isInstant: true })
    for (const version of ['1', '2', '3', '4']) world.apply(statefulSet(version, { revisionHistoryLimit: 1 }))
    assert.equal(world.objects('ControllerRevision').length, 2)
  })
})
