import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Cluster, cluster, template, workload } from './fixture.ts'
import { isActive, isTerminating } from './pods.ts'

function job(spec: object = {}): object {
  return workload('Job', { template: template('1', { restartPolicy: 'Never' }), ...spec })
}

const active = (world: Cluster) =>
  world
    .pods()
    .filter(isActive)
    .map(({ metadata }) => metadata.name)
const indexes = (world: Cluster) =>
  world
    .pods()
    .filter(isActive)
    .map(({ metadata }) => Number(metadata.annotations?.['batch.kubernetes.io/job-completion-index']))
    .sort((a, b) => a - b)
const condition = (world: Cluster) => {
  const last = world.object('Job', 'web').progress?.status.conditions as
    | readonly { type: string; reason: string; status: string; message: string }[]
    | undefined
  const found = last?.find(({ type, status }) => /^(Complete|Failed)$/.test(type) && status === 'True')
  return found && `${found.type}: ${found.reason}`
}

/** The first active pod ends. */
function end(world: Cluster, exitCode: number): void {
  const [name] = active(world)
  world.exit(name!, exitCode)
  world.settle()
}

/** The active pod with that index ends. */
function endIndex(world: Cluster, index: number, exitCode: number): void {
  const pod = world
    .pods()
    .find(one => isActive(one) && one.metadata.annotations?.['batch.kubernetes.io/job-completion-index'] === `${index}`)
  world.exit(pod!.metadata.name, exitCode)
  world.settle()
}

describe('Job', () => {
  test('as many side by side as parallelism says, until enough have succeeded', () => {
    const world = cluster()
    world.apply(job({ completions: 5, parallelism: 2 }))
    assert.equal(active(world).length, 2)
    for (const left of [2, 2, 2, 1]) {
      end(world, 0)
      assert.equal(active(world).length, left)
    }
    end(world, 0)
    assert.equal(condition(world), 'Complete: CompletionsReached')
    const { succeeded, startTime, completionTime } = world.object('Job', 'web').progress!.status
    assert.deepEqual([succeeded, startTime, completionTime], [5, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'])
    assert.equal(world.pods().length, 5)
    world.pass(10)
    assert.equal(world.pods().length, 5)
  })

  test('without completions one success is enough, and the others end by themselves', () => {
    const world = cluster()
    world.apply(job({ parallelism: 3 }))
    end(world, 0)
    assert.deepEqual([active(world).length, condition(world)], [2, undefined])
    end(world, 0)
    end(world, 0)
    assert.equal(condition(world), 'Complete: CompletionsReached')
  })

  test('a failed pod is replaced after a back-off that doubles, and the limit ends it', () => {
    const world = cluster()
    world.apply(job({ backoffLimit: 2 }))
    end(world, 1)
    assert.deepEqual([active(world).length, world.wakeAtMs()], [0, world.nowMs + 10_000])
    world.pass(9)
    assert.equal(active(world).length, 0)
    world.pass(1)
    assert.equal(active(world).length, 1)
    end(world, 1)
    assert.equal(world.wakeAtMs(), world.nowMs + 20_000)
    world.pass(20)
    end(world, 1)
    assert.equal(condition(world), 'Failed: BackoffLimitExceeded')
    assert.equal(world.object('Job', 'web').progress!.status.failed, 3)
    assert.ok(world.events.includes('BackoffLimitExceeded: Job has reached the specified backoff limit'))
  })

  test('a success begins the back-off anew', () => {
    const world = cluster()
    world.apply(job({ completions: 3, parallelism: 1 }))
    end(world, 1)
    world.pass(10)
    end(world, 0)
    assert.equal(active(world).length, 1)
    world.pass(1)
    end(world, 1)
    assert.equal(world.wakeAtMs(), world.nowMs + 10_000)
  })

  test('OnFailure: restarts in place count', () => {
    const world = cluster()
    world.apply(job({ backoffLimit: 0, template: template('1', { restartPolicy: 'OnFailure' }) }))
    const [name] = active(world)
    world.ready(name)
    const pod = world.pods()[0]!
    Object.assign(pod.status, { containerStatuses: [{ name: 'main', restartCount: 1 }] })
    world.settle()
    world.reap()
    world.settle()
    assert.equal(condition(world), 'Failed: BackoffLimitExceeded')
    assert.equal(world.object('Job', 'web').progress!.status.failed, 1)
  })

  test('its time is over: pods are taken away and have failed, then it has', () => {
    const world = cluster()
    world.apply(job({ activeDeadlineSeconds: 30, parallelism: 2 }))
    const failed = () => world.object('Job', 'web').progress!.status.failed
    assert.equal(world.wakeAtMs(), world.nowMs + 30_000)
    world.pass(30)
    assert.deepEqual([active(world).length, condition(world), failed()], [0, undefined, 2])
    world.reap()
    world.settle()
    assert.deepEqual([condition(world), failed()], ['Failed: DeadlineExceeded', 2])
  })

  test('suspended: no pods; resumed: they begin anew, and so does its time', () => {
    const world = cluster()
    world.apply(job({ suspend: true, activeDeadlineSeconds: 30 }))
    assert.equal(world.pods().length, 0)
    world.pass(60)
    world.apply(job({ suspend: false, activeDeadlineSeconds: 30 }))
    assert.deepEqual([active(world).length, world.wakeAtMs()], [1, world.nowMs + 30_000])
    world.pass(5)
    world.apply(job({ suspend: true, activeDeadlineSeconds: 30 }))
    assert.equal(active(world).length, 0)
    world.reap()
    world.settle()
    assert.equal(world.object('Job', 'web').progress!.status.failed, undefined)
    assert.equal(world.object('Job', 'web').progress!.status.startTime, undefined)
  })

  test('ttlSecondsAfterFinished: it goes, with its pods', () => {
    const world = cluster()
    world.apply(job({ ttlSecondsAfterFinished: 60 }))
    end(world, 0)
    assert.equal(world.wakeAtMs(), world.nowMs + 60_000)
    world.pass(59)
    assert.equal(world.objects('Job').length, 1)
    world.pass(1)
    assert.equal(world.objects('Job').length, 0)
    assert.ok(world.pods().every(isTerminating))
  })

  test('fewer side by side: the surplus is taken away without having failed', () => {
    const world = cluster()
    world.apply(job({ completions: 10, parallelism: 4 }))
    world.apply(job({ completions: 10, parallelism: 1 }))
    world.reap()
    world.settle()
    assert.equal(active(world).length, 1)
    assert.equal(world.object('Job', 'web').progress!.status.failed, undefined)
  })

  test('a pod that somebody takes away has failed; with podReplacementPolicy Failed it is waited for', () => {
    for (const podReplacementPolicy of ['TerminatingOrFailed', 'Failed']) {
      const world = cluster()
      world.apply(job({ podReplacementPolicy }))
      world.remove(active(world)[0]!)
      world.settle()
      world.pass(20)
      assert.equal(active(world).length, podReplacementPolicy === 'Failed' ? 0 : 1)
      world.reap()
      world.pass(20)
      assert.equal(active(world).length, 1)
    }
  })
})

describe('Indexed Job', () => {
  const indexed = (spec: object = {}) => job({ completionMode: 'Indexed', completions: 4, parallelism: 2, ...spec })

  test('each index once, the lowest first', () => {
    const world = cluster()
    world.apply(indexed())
    assert.deepEqual(indexes(world), [0, 1])
    endIndex(world, 1, 0)
    assert.deepEqual(indexes(world), [0, 2])
    endIndex(world, 0, 1)
    assert.deepEqual(indexes(world), [2])
    world.pass(10)
    assert.deepEqual(indexes(world), [0, 2])
    for (const index of [0, 2, 3]) endIndex(world, index, 0)
    assert.equal(condition(world), 'Complete: CompletionsReached')
    assert.equal(world.object('Job', 'web').progress!.status.completedIndexes, '0-3')
  })

  test('backoffLimitPerIndex: an index that fails too often is given up, the others go on', () => {
    const world = cluster()
    world.apply(indexed({ backoffLimitPerIndex: 1 }))
    endIndex(world, 0, 1)
    assert.deepEqual(indexes(world), [1, 2])
    for (const index of [1, 2]) endIndex(world, index, 0)
    world.pass(10)
    assert.deepEqual(indexes(world), [0, 3])
    const failures = world.pods().find(pod => isActive(pod))?.metadata.annotations
    assert.ok(failures)
    endIndex(world, 0, 1)
    assert.deepEqual(indexes(world), [3])
    endIndex(world, 3, 0)
    assert.equal(condition(world), 'Failed: FailedIndexes')
    const { failedIndexes, completedIndexes } = world.object('Job', 'web').progress!.status
    assert.deepEqual([failedIndexes, completedIndexes], ['0', '1-3'])
  })

  test('maxFailedIndexes ends it early', () => {
    const world = cluster()
    world.apply(indexed({ backoffLimitPerIndex: 0, maxFailedIndexes: 0 }))
    endIndex(world, 0, 1)
    world.reap()
    world.settle()
    assert.equal(condition(world), 'Failed: MaxFailedIndexesExceeded')
  })

  test('successPolicy: some indexes are enough', () => {
    const world = cluster()
    const rules = [{ succeededIndexes: '1-2', succeededCount: 1 }]
    world.apply(indexed({ successPolicy: { rules } }))
    endIndex(world, 1, 0)
    assert.equal(active(world).length, 0)
    world.reap()
    world.settle()
    assert.equal(condition(world), 'Complete: SuccessPolicy')
  })
})

describe('podFailurePolicy', () => {
  const withRules = (...rules: readonly object[]) => job({ backoffLimit: 0, podFailurePolicy: { rules } })

  test('FailJob by exit code, before the back-off limit', () => {
    const world = cluster()
    const onExitCodes = { containerName: 'main', operator: 'In', values: [42] }
    world.apply(job({ backoffLimit: 6, podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes }] } }))
    end(world, 42)
    assert.equal(condition(world), 'Failed: PodFailurePolicy')
    const [last] = world.events.slice(-1)
    assert.match(
      last!,
      /Container main for pod default\/web-\w+ failed with exit code 42 matching FailJob rule at index 0/,
    )
  })

  test('Ignore: it does not count and is replaced', () => {
    const world = cluster()
    world.apply(withRules({ action: 'Ignore', onExitCodes: { operator: 'NotIn', values: [1] } }))
    end(world, 2)
    assert.equal(active(world).length, 1)
    end(world, 1)
    assert.equal(condition(world), 'Failed: BackoffLimitExceeded')
  })

  test('FailIndex gives the index up at once', () => {
    const world = cluster()
    const rules = [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [7] } }]
    const spec = { completionMode: 'Indexed', completions: 2, parallelism: 2, backoffLimitPerIndex: 5 }
    world.apply(job({ ...spec, podFailurePolicy: { rules } }))
    endIndex(world, 0, 7)
    endIndex(world, 1, 0)
    assert.equal(condition(world), 'Failed: FailedIndexes')
  })

  test('Count by a condition of the pod', () => {
    const world = cluster()
    world.apply(withRules({ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }))
    const [name] = active(world)
    world.exit(name!, 137)
    Object.assign(world.pods()[0]!.status, { conditions: [{ type: 'DisruptionTarget', status: 'True' }] })
    world.settle()
    assert.equal(active(world).length, 1)
  })
})
