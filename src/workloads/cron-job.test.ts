import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Cluster, cluster, template, workload } from './fixture.ts'
import { isActive } from './pods.ts'

function cronJob(spec: object = {}): object {
  const jobTemplate = { spec: { template: template('1', { restartPolicy: 'Never' }) } }
  return workload('CronJob', { schedule: '*/5 * * * *', timeZone: 'UTC', jobTemplate, ...spec })
}

const jobs = (world: Cluster) => world.objects('Job').map(({ name }) => name)

function endAll(world: Cluster, exitCode = 0): void {
  for (const pod of world.pods()) if (isActive(pod)) world.exit(pod.metadata.name, exitCode)
  world.settle()
}

/** Minutes since 1970 of START_MS. */
const MINUTE = 29453760

describe('CronJob', () => {
  test('a job when it is due, named after its minute', () => {
    const world = cluster()
    world.apply(cronJob())
    assert.deepEqual([jobs(world), world.wakeAtMs()], [[], world.nowMs + 300_000])
    world.pass(300)
    assert.deepEqual(jobs(world), [`web-${MINUTE + 5}`])
    const status = world.object('CronJob', 'web').progress!.status
    assert.equal(status.lastScheduleTime, '2026-01-01T00:05:00Z')
    assert.equal((status.active as readonly { name: string }[])[0]?.name, `web-${MINUTE + 5}`)
    endAll(world)
    assert.equal(world.object('CronJob', 'web').progress!.status.active, undefined)
    assert.equal(world.object('CronJob', 'web').progress!.status.lastSuccessfulTime, '2026-01-01T00:05:00Z')
  })

  test('Forbid: one that is running is waited for', () => {
    const world = cluster()
    world.apply(cronJob({ concurrencyPolicy: 'Forbid' }))
    world.pass(300)
    world.pass(300)
    assert.equal(jobs(world).length, 1)
    endAll(world)
    assert.equal(jobs(world).length, 2)
  })

  test('Replace: the running one goes, and its pods', () => {
    const world = cluster()
    world.apply(cronJob({ concurrencyPolicy: 'Replace' }))
    world.pass(300)
    world.pass(300)
    assert.deepEqual(jobs(world), [`web-${MINUTE + 10}`])
    assert.equal(world.pods().filter(isActive).length, 1)
  })

  test('Allow: side by side', () => {
    const world = cluster()
    world.apply(cronJob())
    world.pass(300)
    world.pass(300)
    assert.equal(jobs(world).length, 2)
  })

  test('times that were slept through: only the last one, and none that is too late', () => {
    const world = cluster()
    world.apply(cronJob())
    world.pass(3600 + 60)
    assert.deepEqual(jobs(world), [`web-${MINUTE + 60}`])
    const late = cluster()
    late.apply(cronJob({ startingDeadlineSeconds: 30 }))
    late.pass(3600 + 60)
    assert.deepEqual(jobs(late), [])
  })

  test('many missed times are told', () => {
    const world = cluster()
    world.apply(cronJob({ schedule: '* * * * *' }))
    world.pass(3 * 3600)
    assert.equal(jobs(world).length, 1)
    assert.ok(world.events.some(text => text.startsWith('TooManyMissedTimes')))
  })

  test('suspended: nothing, and no time to wait for', () => {
    const world = cluster()
    world.apply(cronJob({ suspend: true }))
    world.pass(3600)
    assert.deepEqual([jobs(world), world.wakeAtMs()], [[], undefined])
  })

  test('the history has limits for each kind of end', () => {
    const world = cluster()
    world.apply(cronJob({ successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 1 }))
    for (let i = 0; i < 4; i++) {
      world.pass(300)
      endAll(world)
    }
    assert.deepEqual(jobs(world), [`web-${MINUTE + 15}`, `web-${MINUTE + 20}`])
  })
})
