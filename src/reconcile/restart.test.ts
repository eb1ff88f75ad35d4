import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { MemberPlan, MemberRole, PodPlan } from '../plan/types.ts'
import { decideStops, decideUp, nextDueMs } from './decide.ts'
import { NEW_LIFE } from './lifecycle.ts'
import type { ObservedContainer, ObservedPod } from './observed.ts'
import { goDuration, isOver, KUBELET_BACKOFF, nextBackoff, restartDelay, restartDueMs, runsAgain } from './restart.ts'

const NOON = Date.parse('2026-01-01T12:00:00Z')

function member(name: string, role: MemberRole, container: object = {}): MemberPlan {
  return { name, role, container } as MemberPlan
}

/** A pod whose containers all ended at noon, after a second, with these statuses; `undefined`: it runs. */
function podOf(
  members: readonly MemberPlan[],
  statuses: Readonly<Record<string, number | undefined>>,
  restartPolicy = 'Always',
): ObservedPod {
  const containers = Object.fromEntries(
    Object.entries(statuses).map(([name, exitCode]): [string, ObservedContainer] => [
      name,
      {
        id: name,
        rootfs: 'mounted',
        startedAt: new Date(NOON - 1000).toISOString(),
        lifecycle: NEW_LIFE,
        ...(exitCode === undefined
          ? { state: 'running' }
          : { state: 'exited', exitCode, finishedAt: new Date(NOON).toISOString() }),
      },
    ]),
  )
  const plan = {
    namespace: 'default',
    name: 'web',
    members,
    pod: { spec: { restartPolicy } },
    network: { mode: 'host' },
    terminationGracePeriodSeconds: 30,
  } as unknown as PodPlan
  return { uid: 'u', plan, removing: false, sandbox: 'present', infra: 'running', network: 'attached', containers }
}

suite('back-off', () => {
  test('at once, then 10 s, doubling up to 5 min', () => {
    const delays: number[] = []
    for (let ms = 0; delays.length < 8; ms = nextBackoff(ms, KUBELET_BACKOFF)) delays.push(ms / 1000)
    assert.deepEqual(delays, [0, 10, 20, 40, 80, 160, 300, 300])
  })

  test('begins anew after 10 min of running', () => {
    assert.equal(restartDelay(300_000, 599_999, KUBELET_BACKOFF), 300_000)
    assert.equal(restartDelay(300_000, 600_000, KUBELET_BACKOFF), 0)
  })

  test('a container waits from its end on', () => {
    const main = member('web', 'main')
    const pod = podOf([main], { web: 1 })
    const waiting = {
      ...pod,
      containers: { web: { ...pod.containers.web!, lifecycle: { ...NEW_LIFE, backoffMs: 20_000 } } },
    }
    assert.equal(restartDueMs(pod, main, KUBELET_BACKOFF), NOON)
    assert.equal(restartDueMs(waiting, main, KUBELET_BACKOFF), NOON + 20_000)
    assert.equal(nextDueMs(waiting, KUBELET_BACKOFF), NOON + 20_000)
    const at = (nowMs: number) => decideUp(waiting, { nowMs, limits: KUBELET_BACKOFF }).map(({ kind }) => kind)
    assert.deepEqual(at(NOON + 19_999), [])
    assert.deepEqual(at(NOON + 20_000), ['retireContainer'])
  })

  test('in Go words', () => {
    assert.deepEqual([0, 400, 10_000, 80_000, 300_000, 1600, 3_600_000].map(goDuration), [
      '0s',
      '400ms',
      '10s',
      '1m20s',
      '5m0s',
      '1.6s',
      '1h0m0s',
    ])
  })
})

suite('who runs again', () => {
  const again = (policy: string, role: MemberRole, exitCode: number, container: object = {}) =>
    runsAgain(podOf([], {}, policy).plan, member('x', role, container), exitCode)

  test('by the policy of the pod', () => {
    assert.deepEqual([again('Always', 'main', 0), again('Always', 'main', 1)], [true, true])
    assert.deepEqual([again('OnFailure', 'main', 0), again('OnFailure', 'main', 1)], [false, true])
    assert.deepEqual([again('Never', 'main', 0), again('Never', 'main', 1)], [false, false])
  })

  test('an init container that did its work never, a sidecar always', () => {
    assert.deepEqual(
      [again('Always', 'init', 0), again('Always', 'init', 1), again('Never', 'init', 1)],
      [false, true, false],
    )
    assert.equal(again('Never', 'sidecar', 0), true)
  })

  test('its own policy and rules come first', () => {
    const restartPolicyRules = [{ action: 'Restart', exitCodes: { operator: 'NotIn', values: [0, 1] } }]
    const own = { restartPolicy: 'Never', restartPolicyRules }
    assert.deepEqual(
      [0, 1, 2].map(code => again('Always', 'main', code, own)),
      [false, false, true],
    )
  })
})

suite('a pod that is over', () => {
  const side = [member('one', 'sidecar'), member('two', 'sidecar'), member('web', 'main')]

  test('stops its sidecars, the last one first, and starts nothing', () => {
    const pod = podOf(side, { one: undefined, two: undefined, web: 0 }, 'Never')
    assert.equal(isOver(pod), true)
    assert.deepEqual(
      decideStops(pod).map(({ container }) => container),
      ['two'],
    )
    const last = podOf(side, { one: undefined, two: 0, web: 0 }, 'Never')
    assert.deepEqual(
      decideStops(last).map(({ container }) => container),
      ['one'],
    )
    assert.deepEqual(decideUp(last, { nowMs: NOON + 1e9, limits: KUBELET_BACKOFF }), [])
    assert.equal(nextDueMs(last, KUBELET_BACKOFF), undefined)
  })

  test('one that failed as a whole stops everything', () => {
    const pod = { ...podOf(side, { one: undefined, two: undefined, web: undefined }), failed: true }
    assert.deepEqual(
      decideStops(pod).map(({ container }) => container),
      ['web'],
    )
  })

  test('one that runs stops nothing', () => {
    assert.deepEqual(decideStops(podOf(side, { one: undefined, two: undefined, web: undefined }, 'Never')), [])
    assert.deepEqual(decideStops(podOf(side, { one: undefined, two: undefined, web: 1 }, 'OnFailure')), [])
  })
})
