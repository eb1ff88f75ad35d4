import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Cluster, cluster, template, workload } from './fixture.ts'
import { isTerminating } from './pods.ts'

function daemonSet(version: string, spec: object = {}): object {
  return workload('DaemonSet', { template: template(version), ...spec })
}

const present = (world: Cluster) => world.pods().filter(pod => !isTerminating(pod)).length

describe('DaemonSet', () => {
  test('one pod, and the same again when it is gone', () => {
    const world = cluster({ isInstant: true })
    world.apply(daemonSet('1'))
    const [first] = world.names()
    world.remove(first!)
    world.pass(1)
    assert.equal(world.names().length, 1)
    assert.notEqual(world.names()[0], first)
    const { numberReady, numberAvailable, updatedNumberScheduled } = world.status('DaemonSet', 'web')
    assert.deepEqual([numberReady, numberAvailable, updatedNumberScheduled], [1, 1, 1])
  })

  test('update: the new one comes when the old one is gone', () => {
    const world = cluster()
    world.apply(daemonSet('1'))
    world.ready()
    world.apply(daemonSet('2'))
    assert.deepEqual([world.pods().length, present(world)], [1, 0])
    world.reap()
    world.settle()
    assert.equal(present(world), 1)
  })

  test('maxSurge: the old one stays until the new one is available', () => {
    const world = cluster()
    const spec = { minReadySeconds: 5, updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }
    world.apply(daemonSet('1', spec))
    world.ready()
    world.pass(1)
    const [old] = world.names()
    world.apply(daemonSet('2', spec))
    assert.equal(present(world), 2)
    world.ready(world.names().find(name => name !== old))
    world.settle()
    assert.equal(present(world), 2)
    world.pass(6)
    assert.equal(present(world), 1)
  })

  test('OnDelete: the old one stays until somebody takes it away', () => {
    const world = cluster({ isInstant: true })
    const spec = { updateStrategy: { type: 'OnDelete' } }
    world.apply(daemonSet('1', spec))
    const [old] = world.names()
    world.apply(daemonSet('2', spec))
    assert.deepEqual(world.names(), [old])
    assert.equal(world.status('DaemonSet', 'web').updatedNumberScheduled, undefined)
    world.remove(old!)
    world.pass(1)
    assert.equal(world.status('DaemonSet', 'web').updatedNumberScheduled, 1)
  })

  test('a pod that failed or is lost is taken away and made again', () => {
    const world = cluster()
    world.apply(daemonSet('1'))
    const [first] = world.names()
    world.lose(first!)
    world.pass(1)
    assert.equal(present(world), 1)
    assert.equal(world.pods().length, 2)
  })
})
