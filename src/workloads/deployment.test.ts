import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Cluster, cluster, template, workload } from './fixture.ts'
import { isReady, isTerminating } from './pods.ts'

function deployment(version: string, spec: object = {}): object {
  return workload('Deployment', { replicas: 4, template: template(version), ...spec })
}

const sizes = (world: Cluster) =>
  world.objects('ReplicaSet').map(({ value }) => (value as { spec: { replicas: number } }).spec.replicas)
const present = (world: Cluster) => world.pods().filter(pod => !isTerminating(pod))
const readyCount = (world: Cluster) => present(world).filter(isReady).length
const reasons = (world: Cluster) =>
  Object.fromEntries((world.status('Deployment', 'web').conditions ?? []).map(({ type, reason }) => [type, reason]))

/** Goes on to the end, one ready pod at a time; what was seen at each moment is judged by `check`. */
function rollOut(world: Cluster, check: () => void): void {
  for (let i = 0; i < 1000; i++) {
    check()
    const pending = world.pods().find(pod => pod.status.phase === 'Pending' && !isTerminating(pod))
    const leaving = world.pods().some(isTerminating)
    if (!pending && !leaving) return
    if (pending) world.ready(pending.metadata.name)
    else world.reap()
    world.nowMs += 1000
    world.settle()
  }
  assert.fail('the rollout comes to no end')
}

describe('Deployment', () => {
  test('as it should be: nothing to do', () => {
    const world = cluster({ isInstant: true })
    world.apply(deployment('1'))
    const { events } = world
    const told = events.length
    world.settle()
    assert.deepEqual([present(world).length, events.length - told, world.wakeAtMs()], [4, 0, undefined])
    assert.deepEqual(reasons(world), { Available: 'MinimumReplicasAvailable', Progressing: 'NewReplicaSetAvailable' })
    const { conditions: _, ...counts } = world.status('Deployment', 'web')
    assert.deepEqual(counts, { availableReplicas: 4, readyReplicas: 4, replicas: 4, updatedReplicas: 4 })
  })

  for (const [replicas, maxSurge, maxUnavailable] of [
    [4, '25%', '25%'],
    [20, '25%', '25%'],
    [20, 0, 1],
    [20, 1, 0],
    [7, '30%', '10%'],
    [3, 0, '10%'],
    [1, '25%', '25%'],
  ] as const) {
    test(`rolling ${replicas} pods, surge ${maxSurge}, unavailable ${maxUnavailable}: never too few, never too many`, () => {
      const world = cluster()
      const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } }
      world.apply(deployment('1', { replicas, strategy }))
      world.ready()
      world.settle()
      world.apply(deployment('2', { replicas, strategy }))
      const up = Math.ceil(typeof maxSurge === 'string' ? (Number.parseFloat(maxSurge) * replicas) / 100 : maxSurge)
      const down = Math.floor(
        typeof maxUnavailable === 'string' ? (Number.parseFloat(maxUnavailable) * replicas) / 100 : maxUnavailable,
      )
      const least = replicas - (up === 0 && down === 0 ? 1 : down)
      rollOut(world, () => {
        assert.ok(readyCount(world) >= least, `${readyCount(world)} ready, promised ${least}`)
        assert.ok(present(world).length <= replicas + up, `${present(world).length} pods`)
      })
      assert.deepEqual(sizes(world), [0, replicas])
      assert.equal(reasons(world).Progressing, 'NewReplicaSetAvailable')
    })
  }

  test('minReadySeconds: a pod that has just become ready does not count yet', () => {
    const world = cluster()
    const strategy = { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
    world.apply(deployment('1', { replicas: 2, minReadySeconds: 10, strategy }))
    world.ready()
    world.pass(11)
    assert.equal(world.status('Deployment', 'web').availableReplicas, 2)
    world.apply(deployment('2', { replicas: 2, minReadySeconds: 10, strategy }))
    world.ready()
    world.settle()
    assert.deepEqual(sizes(world), [2, 1])
    // It became ready within the second that its time names.
    assert.equal(world.wakeAtMs(), world.nowMs + 10_999)
    world.pass(10)
    assert.deepEqual(sizes(world), [2, 1])
    world.pass(1)
    assert.deepEqual(sizes(world), [1, 2])
  })

  test('Recreate: the old ones are gone before the first new one comes', () => {
    const world = cluster()
    const strategy = { type: 'Recreate' }
    world.apply(deployment('1', { strategy }))
    world.ready()
    world.apply(deployment('2', { strategy }))
    assert.equal(present(world).length, 0)
    assert.equal(world.pods().length, 4)
    world.reap()
    world.settle()
    assert.deepEqual([sizes(world), present(world).length], [[0, 4], 4])
  })

  test('a port of the machine cannot be had twice: the old pod goes first', () => {
    const world = cluster()
    const spec = (version: string) => {
      const pod = template(version) as { spec: { containers: object[] } }
      pod.spec.containers[0] = { ...pod.spec.containers[0], ports: [{ containerPort: 80, hostPort: 80 }] }
      return { replicas: 1, template: pod }
    }
    world.apply(workload('Deployment', spec('1')))
    world.ready()
    world.apply(workload('Deployment', spec('2')))
    assert.equal(present(world).length, 1)
    assert.deepEqual(sizes(world), [0, 1])
  })

  test('a template that fails stops the update, and is told when its time is over', () => {
    const world = cluster()
    world.apply(deployment('1', { progressDeadlineSeconds: 60 }))
    world.ready()
    world.settle()
    world.apply(deployment('broken', { progressDeadlineSeconds: 60 }))
    assert.deepEqual(sizes(world), [3, 2])
    assert.equal(world.wakeAtMs(), world.nowMs + 60_000)
    world.pass(59)
    assert.equal(reasons(world).Progressing, 'ReplicaSetUpdated')
    world.pass(2)
    assert.equal(reasons(world).Progressing, 'ProgressDeadlineExceeded')
    assert.equal(readyCount(world), 3)
    world.apply(deployment('1', { progressDeadlineSeconds: 60 }))
    rollOut(world, () => assert.ok(readyCount(world) >= 3))
    assert.deepEqual(sizes(world), [4, 0])
  })

  test('paused: no new template, but as many pods as are wanted', () => {
    const world = cluster({ isInstant: true })
    world.apply(deployment('1'))
    world.apply(deployment('2', { paused: true, replicas: 6 }))
    assert.deepEqual(sizes(world), [6])
    assert.equal(reasons(world).Progressing, 'DeploymentPaused')
    world.apply(deployment('2', { replicas: 6 }))
    assert.deepEqual(sizes(world), [0, 6])
  })

  test('scaling in the middle of an update gives each template its share', () => {
    const world = cluster()
    world.apply(deployment('1', { replicas: 10 }))
    world.ready()
    world.settle()
    world.apply(deployment('broken', { replicas: 10 }))
    assert.deepEqual(sizes(world), [8, 5])
    world.apply(deployment('broken', { replicas: 20 }))
    const [old, fresh] = sizes(world) as [number, number]
    assert.equal(old + fresh, 25)
    assert.ok(old > 10 && fresh > 7, `${old} and ${fresh}`)
  })

  test('revisions count up, an old template that comes back is the newest, and the history has a limit', () => {
    const world = cluster({ isInstant: true })
    for (const version of ['1', '2', '3', '1']) {
      world.apply(deployment(version, { revisionHistoryLimit: 2 }))
      world.pass(1)
    }
    const revisions = () =>
      world
        .objects('ReplicaSet')
        .map(({ value }) =>
          Number(
            (value as { metadata: { annotations: Record<string, string> } }).metadata.annotations[
              'deployment.kubernetes.io/revision'
            ],
          ),
        )
    assert.deepEqual(revisions(), [4, 2, 3])
    world.apply(deployment('4', { revisionHistoryLimit: 1 }))
    assert.deepEqual(revisions().sort(), [4, 5])
  })

  test('a pod that is removed or lost gets a successor with another name', () => {
    const world = cluster({ isInstant: true })
    world.apply(deployment('1'))
    const [first, second, ...others] = world.names()
    world.remove(first!)
    world.lose(second!)
    world.pass(1)
    assert.equal(world.names().length, 4)
    assert.deepEqual(
      world.names().filter(name => others.includes(name)),
      others,
    )
    assert.ok(!world.names().includes(first!) && !world.names().includes(second!))
  })

  test('of too many pods the ones that are missed least go', () => {
    const world = cluster()
    world.apply(deployment('1', { replicas: 3 }))
    const [first, second, third] = world.names()
    world.ready(first)
    world.ready(third)
    world.apply(deployment('1', { replicas: 2 }))
    world.reap()
    assert.deepEqual(world.names(), [first, third])
    assert.ok(world.events.includes(`SuccessfulDelete: Deleted pod: ${second}`))
  })
})
