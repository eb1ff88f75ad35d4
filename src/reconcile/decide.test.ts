import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { MemberPlan, MemberRole, PodPlan } from '../plan/types.ts'
import { type Action, actionKey, inverse } from './actions.ts'
import { apply } from './apply.ts'
import { decideDown, decideEnd, decideImages, decidePods, decideStops, decideUp, nextDueMs } from './decide.ts'
import { NEW_LIFE } from './lifecycle.ts'
import type { ObservedContainer, ObservedPod } from './observed.ts'
import { KUBELET_BACKOFF } from './restart.ts'

/** Only what the decision looks at. */
function podPlan(members: Readonly<Record<string, MemberRole>>, patch: Partial<PodPlan> = {}): PodPlan {
  return {
    namespace: 'default',
    name: 'web',
    hash: 'h1',
    network: { mode: 'bridge', network: 'kube' },
    terminationGracePeriodSeconds: 30,
    members: Object.entries(members).map(([name, role]) => ({ name, role, container: { name } }) as MemberPlan),
    ...patch,
  } as PodPlan
}

function emptyPod(plan: PodPlan): ObservedPod {
  return { uid: 'u', plan, removing: false, sandbox: 'absent', infra: 'absent', network: 'absent', containers: {} }
}

const RUNNING: ObservedContainer = { id: 'c', rootfs: 'mounted', state: 'running' }

function settledPod(members: Readonly<Record<string, MemberRole>>, patch: Partial<PodPlan> = {}): ObservedPod {
  const plan = podPlan(members, patch)
  const containers = Object.fromEntries(
    plan.members.map(({ name, role }) => [
      name,
      role === 'init' ? { ...RUNNING, state: 'exited' as const, exitCode: 0 } : RUNNING,
    ]),
  )
  return { uid: 'u', plan, removing: false, sandbox: 'present', infra: 'running', network: 'attached', containers }
}

function withContainer(pod: ObservedPod, name: string, change: Partial<ObservedContainer>): ObservedPod {
  return { ...pod, containers: { ...pod.containers, [name]: { ...RUNNING, ...change } } }
}

const kinds = (actions: readonly Action[]) => actions.map(action => actionKey(action).replace(' u', ''))

describe('decideUp', () => {
  test('does nothing when everything is as it should be', () => {
    assert.deepEqual(decideUp(settledPod({ web: 'main', log: 'main' })), [])
  })

  test('begins with what needs nothing else', () => {
    const pod = emptyPod(podPlan({ web: 'main', log: 'main' }))
    assert.deepEqual(kinds(decideUp(pod)), ['startInfra', 'makeSandbox', 'mountRootfs web', 'mountRootfs log'])
  })

  test('makes a stopped pod, but starts nothing of it', () => {
    const created = { state: 'created' } as const
    const pod = { ...settledPod({ web: 'main', log: 'main' }), stopped: true }
    assert.deepEqual(decideUp(withContainer(pod, 'web', created)), [])
    assert.deepEqual(kinds(decideUp(withContainer(pod, 'web', { state: 'absent' }))), ['createContainer web'])
    const clock = { nowMs: Date.now(), limits: KUBELET_BACKOFF }
    assert.deepEqual(decideUp(withContainer(pod, 'web', { state: 'exited', exitCode: 1 }), clock), [])
    assert.deepEqual(kinds(decideStops(withContainer(pod, 'web', created))), ['killContainer log'])
  })

  test('with a user namespace of its own, makes directories, infra container and root file systems one after the other', () => {
    const pod = emptyPod({ ...podPlan({ web: 'main' }), userNamespace: true })
    assert.deepEqual(kinds(decideUp(pod)), ['makeSandbox'])
    assert.deepEqual(kinds(decideUp({ ...pod, sandbox: 'present' })), ['startInfra'])
    const running = { ...pod, sandbox: 'present' as const, infra: 'running' as const }
    assert.deepEqual(kinds(decideUp(running)), ['mountRootfs web', 'attachNetwork'])
  })

  test('creates members once the infra container runs, and starts them once the network is there', () => {
    const pod = { ...settledPod({ web: 'main' }), network: 'absent' as const }
    assert.deepEqual(kinds(decideUp(withContainer(pod, 'web', { state: 'absent' }))), [
      'createContainer web',
      'attachNetwork',
    ])
    assert.deepEqual(kinds(decideUp(withContainer(pod, 'web', { state: 'created' }))), ['attachNetwork'])
    const attached = { ...pod, network: 'attached' as const }
    assert.deepEqual(kinds(decideUp(withContainer(attached, 'web', { state: 'created' }))), ['startContainer web'])
  })

  test('creates members while the infra container is being started, but starts none', () => {
    const pod = withContainer({ ...settledPod({ web: 'main' }), infra: 'absent', network: 'absent' }, 'web', {
      state: 'absent',
    })
    assert.deepEqual(kinds(decideUp(pod)), ['startInfra', 'createContainer web'])
    assert.deepEqual(kinds(decideUp(withContainer(pod, 'web', { state: 'created' }))), ['startInfra'])
  })

  test('does not start again what has ended', () => {
    assert.deepEqual(decideUp(withContainer(settledPod({ web: 'main' }), 'web', { state: 'exited', exitCode: 1 })), [])
  })

  test('makes nothing on a dead infra container', () => {
    const pod = { ...settledPod({ web: 'main' }), infra: 'dead' as const }
    assert.deepEqual(decideUp(withContainer(pod, 'web', { state: 'absent' })), [])
  })

  test('runs init containers one after the other, to their end, before anything else is created', () => {
    const pod = settledPod({ first: 'init', second: 'init', web: 'main' })
    const fresh = withContainer(withContainer(pod, 'second', { state: 'absent' }), 'web', { state: 'absent' })
    const running = withContainer(fresh, 'first', { state: 'running' })
    assert.deepEqual(decideUp(running), [])
    assert.deepEqual(kinds(decideUp(fresh)), ['createContainer second'])
    assert.deepEqual(decideUp(withContainer(fresh, 'first', { state: 'exited', exitCode: 1 })), [])
  })

  test('a sidecar only has to have started', () => {
    const pod = settledPod({ proxy: 'sidecar', setup: 'init', web: 'main' })
    const fresh = withContainer(withContainer(pod, 'setup', { state: 'absent' }), 'web', { state: 'absent' })
    assert.deepEqual(kinds(decideUp(withContainer(fresh, 'proxy', { state: 'created' }))), ['startContainer proxy'])
    assert.deepEqual(kinds(decideUp(fresh)), ['createContainer setup'])
  })
})

describe('what a supervisor waits for', () => {
  const clock = { nowMs: 1000, limits: { initialMs: 10, maxMs: 20, resetMs: 30 } }
  const bare: Partial<ObservedContainer> = { state: 'absent', rootfs: 'absent' }
  const life = { backoffMs: 0, started: false, ready: false, probes: {} }

  test('nothing is begun of a container whose image is not there', () => {
    const pod = withContainer(settledPod({ web: 'main', log: 'main' }), 'web', bare)
    assert.deepEqual(kinds(decideUp(pod, clock)), ['mountRootfs web'])
    const held = { containers: new Set(['web']), sandbox: false }
    assert.deepEqual(decideUp(pod, { ...clock, held }), [])
    assert.deepEqual(decideUp(withContainer(pod, 'web', { state: 'running' }), { ...clock, held }), [])
  })

  test('a failure is tried again when its time has come', () => {
    const after = (atMs: number) =>
      withContainer(settledPod({ web: 'main' }), 'web', {
        state: 'absent',
        lifecycle: { ...life, retry: { atMs, delayMs: 10 } },
      })
    assert.deepEqual(decideUp(after(1001), clock), [])
    assert.equal(nextDueMs(after(1001), clock.limits), 1001)
    assert.deepEqual(kinds(decideUp(after(1000), clock)), ['createContainer web'])
  })

  test('images are asked for when the turn of their containers has come', () => {
    const names = (pod: ObservedPod) => decideImages(pod, 1000).map(({ name }) => name)
    const pod = settledPod({ setup: 'init', web: 'main' })
    assert.deepEqual(names(withContainer(withContainer(pod, 'setup', bare), 'web', bare)), ['setup'])
    assert.deepEqual(names(withContainer(pod, 'web', bare)), ['web'])
    const later = { ...bare, lifecycle: { ...life, retry: { atMs: 1001, delayMs: 10 } } }
    assert.deepEqual(names(withContainer(pod, 'web', later)), [])
  })

  test('of a pod that is being made only sidecars are started again, after their back-off', () => {
    const pod = { metadata: {}, spec: { restartPolicy: 'Always', containers: [] } }
    const settled = settledPod({ proxy: 'sidecar', first: 'init', second: 'init', web: 'main' }, { pod })
    const ended = { state: 'exited', exitCode: 1, finishedAt: new Date(0).toISOString() } as const
    const lifecycle = { ...NEW_LIFE, backoffMs: 1001 }
    const isNew = { ...clock, isNew: true }
    const failed = withContainer(withContainer(settled, 'second', ended), 'web', { state: 'absent', rootfs: 'mounted' })
    assert.deepEqual(decideUp(failed, isNew), [])
    assert.equal(nextDueMs(failed, clock.limits, 'sidecar'), undefined)
    assert.deepEqual(kinds(decideUp(withContainer(failed, 'proxy', ended), isNew)), ['retireContainer proxy'])
    const waiting = withContainer(failed, 'proxy', { ...ended, lifecycle })
    assert.deepEqual(decideUp(waiting, isNew), [])
    assert.equal(nextDueMs(waiting, clock.limits, 'sidecar'), 1001)
  })

  test('a postStart hook is left to somebody else, and what waits for its container waits on', () => {
    const postStart = { exec: { command: ['true'] } }
    const plan = podPlan({ proxy: 'sidecar', web: 'main' })
    const members = plan.members.map(member =>
      member.name === 'proxy' ? { ...member, container: { name: 'proxy', lifecycle: { postStart } } } : member,
    )
    const pod = { ...settledPod({ proxy: 'sidecar', web: 'main' }), plan: { ...plan, members } }
    const made = withContainer(withContainer(pod, 'proxy', { state: 'created' }), 'web', { state: 'absent' })
    const [start] = decideUp(made, { ...clock, leavesHooks: true })
    assert.deepEqual(start, { kind: 'startContainer', uid: 'u', container: 'proxy', leavesHook: true })
    const started = apply(made, start)
    assert.equal(started.containers.proxy?.lifecycle?.hook, 'running')
    assert.deepEqual(decideUp(started, { ...clock, leavesHooks: true }), [])
    assert.deepEqual(kinds(decideUp(apply(made, decideUp(made)[0]!), clock)), ['createContainer web'])
  })
})

describe('decideEnd', () => {
  const ended = { state: 'exited', exitCode: 1 } as const
  const withPolicy = (restartPolicy: string, pod: ObservedPod): ObservedPod => ({
    ...pod,
    plan: { ...pod.plan, pod: { spec: { restartPolicy, containers: [] } } },
  })
  const never = (pod: ObservedPod) => withPolicy('Never', pod)

  test('gives back namespaces, link and leases once nothing of a pod is to run any more, one after the other', () => {
    let pod = never(withContainer(settledPod({ web: 'main' }), 'web', ended))
    const done: string[] = []
    for (;;) {
      const [action] = decideEnd(pod)
      if (!action) break
      done.push(...kinds([action]))
      pod = apply(pod, action)
    }
    assert.deepEqual(done, ['stopInfra', 'detachNetwork', 'endPod'])
  })

  test('not while something runs, is to run again, or somebody stopped it', () => {
    const pod = settledPod({ web: 'main', log: 'main' })
    assert.deepEqual(decideEnd(never(withContainer(pod, 'web', ended))), [])
    assert.deepEqual(decideEnd(withPolicy('Always', withContainer(settledPod({ web: 'main' }), 'web', ended))), [])
    const over = never(withContainer(settledPod({ web: 'main' }), 'web', ended))
    assert.deepEqual(decideEnd({ ...over, stopped: true }), [])
  })
})

describe('decideDown', () => {
  test('stops all members at once, with the pod grace period or the given one', () => {
    const pod = settledPod({ web: 'main', log: 'main' }, { terminationGracePeriodSeconds: 7 })
    assert.deepEqual(decideDown(pod), [
      { kind: 'killContainer', uid: 'u', container: 'web', graceSeconds: 7 },
      { kind: 'killContainer', uid: 'u', container: 'log', graceSeconds: 7 },
    ])
    assert.ok(decideDown(pod, 0).every(action => action.kind === 'killContainer' && action.graceSeconds === 0))
  })

  test('stops sidecars after the rest, the last one first', () => {
    const pod = settledPod({ a: 'sidecar', b: 'sidecar', web: 'main' })
    assert.deepEqual(kinds(decideDown(pod)), ['killContainer web'])
    const ended = withContainer(pod, 'web', { state: 'exited', exitCode: 0 })
    assert.deepEqual(kinds(decideDown(ended)), ['killContainer b', 'deleteContainer web'])
  })

  test('takes away what supports the members only when they are gone', () => {
    const pod = withContainer(settledPod({ web: 'main' }), 'web', { state: 'exited', exitCode: 0 })
    assert.deepEqual(kinds(decideDown(pod)), ['deleteContainer web'])
    assert.deepEqual(kinds(decideDown(withContainer(pod, 'web', { state: 'absent' }))), ['unmountRootfs web'])
    const bare = withContainer(pod, 'web', { state: 'absent', rootfs: 'absent' })
    assert.deepEqual(kinds(decideDown(bare)), ['stopInfra'])
  })

  test('a pod on the machine network has none to be detached from', () => {
    const pod = { ...settledPod({}, { network: { mode: 'host' } }), infra: 'absent' as const }
    assert.deepEqual(kinds(decideDown(pod)), ['removeSandbox'])
  })

  test('what a killed run left half made is removed too', () => {
    const pod = withContainer(settledPod({ web: 'main' }), 'web', { state: 'broken' })
    assert.deepEqual(kinds(decideDown({ ...pod, infra: 'dead' })), ['deleteContainer web'])
  })
})

describe('decidePods', () => {
  const web = podPlan({ web: 'main' })

  test('keeps what is as planned', () => {
    const pod = settledPod({ web: 'main' })
    assert.deepEqual(decidePods([web], [pod]), { create: [], remove: [], keep: [pod] })
  })

  test('makes a changed pod again, and prunes one that left', () => {
    const pod = settledPod({ web: 'main' })
    const other = settledPod({ web: 'main' }, { name: 'other' })
    const changed = { ...web, hash: 'h2' }
    assert.deepEqual(decidePods([changed], [pod, other]), { create: [changed], remove: [pod, other], keep: [] })
  })

  test('makes a pod again whose infra container died or whose removal was begun', () => {
    const pod = settledPod({ web: 'main' })
    for (const gone of [
      { ...pod, infra: 'dead' as const },
      { ...pod, removing: true },
    ]) {
      assert.deepEqual(decidePods([web], [gone]), { create: [web], remove: [gone], keep: [] })
    }
  })

  test('keeps a pod that is over, whatever became of its infra container', () => {
    const once = settledPod({ web: 'main' }, { pod: { spec: { restartPolicy: 'Never', containers: [] } } })
    const over = withContainer({ ...once, infra: 'dead' }, 'web', { state: 'exited', exitCode: 0 })
    assert.deepEqual(decidePods([once.plan], [over]), { create: [], remove: [], keep: [over] })
  })
})

/** Runs decisions to their end, as the run loop would; the container of an init ends well at once. */
function settle(
  start: ObservedPod,
  decide: (pod: ObservedPod) => readonly Action[],
): { readonly pod: ObservedPod; readonly done: readonly Action[] } {
  let pod = start
  const done: Action[] = []
  for (let round = 0; round < 100; round++) {
    const actions = decide(pod)
    if (actions.length === 0) return { pod, done }
    for (const action of actions) {
      pod = apply(pod, action)
      done.push(action)
      if (action.kind === 'forgetPod') return { pod, done }
    }
    for (const { name, role } of pod.plan.members) {
      if (role === 'init' && pod.containers[name]?.state === 'running')
        pod = withContainer(pod, name, { state: 'exited', exitCode: 0 })
    }
  }
  throw new Error('the decisions never settle')
}

const SHAPES: readonly Readonly<Record<string, MemberRole>>[] = [
  {},
  { web: 'main' },
  { web: 'main', log: 'main' },
  { setup: 'init', web: 'main' },
  { one: 'init', proxy: 'sidecar', two: 'init', web: 'main', log: 'main' },
]

describe('laws', () => {
  for (const shape of SHAPES) {
    const name = JSON.stringify(shape)
    test(`after a run there is nothing to do: ${name}`, () => {
      const { pod } = settle(emptyPod(podPlan(shape)), decideUp)
      assert.deepEqual(decideUp(pod), [])
      for (const member of pod.plan.members) assert.notEqual(pod.containers[member.name]?.state, undefined)
    })

    test(`down takes away what up made, from every point in between: ${name}`, () => {
      const { done } = settle(emptyPod(podPlan(shape)), decideUp)
      for (let n = 0; n <= done.length; n++) {
        const pod = done.slice(0, n).reduce(apply, emptyPod(podPlan(shape)))
        const { pod: gone } = settle(pod, observed => decideDown(observed))
        assert.deepEqual([gone.sandbox, gone.infra, gone.network], ['absent', 'absent', 'absent'])
        for (const container of Object.values(gone.containers))
          assert.deepEqual([container.rootfs, container.state], ['absent', 'absent'])
      }
    })
  }

  test('everything that makes has an inverse that takes', () => {
    const { done } = settle(emptyPod(podPlan({ web: 'main' })), decideUp)
    assert.deepEqual(
      done.map(action => inverse(action)?.kind),
      ['stopInfra', 'removeSandbox', 'unmountRootfs', 'deleteContainer', 'detachNetwork', 'killContainer'],
    )
  })
})

describe('a dead infra container', () => {
  const clock = { nowMs: 0, limits: { initialMs: 1, maxMs: 1, resetMs: 1 } }
  const started = '2026-01-01T00:00:00Z'
  const withPolicy = (restartPolicy: string) =>
    settledPod({ setup: 'init', web: 'main' }, { pod: { spec: { restartPolicy, containers: [] } } } as Partial<PodPlan>)

  test('ends what runs, then clears everything away, then the pod begins anew', () => {
    const dead = { ...withPolicy('Always'), infra: 'dead' as const }
    assert.deepEqual(kinds(decideUp(dead, clock)), ['killContainer web'])
    const setup = { state: 'exited', exitCode: 0, startedAt: started } as const
    const ended = withContainer(withContainer(dead, 'setup', setup), 'web', { ...setup, exitCode: 137 })
    assert.deepEqual(kinds(decideUp(ended, clock)), ['retireContainer setup', 'retireContainer web'])
    const bare = decideUp(ended, clock).reduce(apply, ended as ObservedPod)
    assert.deepEqual(kinds(decideUp(bare, clock)), ['stopInfra', 'detachNetwork'])
    const cleared = decideUp(bare, clock).reduce(apply, bare)
    assert.deepEqual(kinds(decideUp(cleared, clock)), ['startInfra', 'mountRootfs setup', 'mountRootfs web'])
  })

  test('a pod that is never started again only has its containers ended', () => {
    const dead = { ...withPolicy('Never'), infra: 'dead' as const }
    assert.deepEqual(kinds(decideUp(dead, clock)), ['killContainer web'])
    const ended = withContainer(dead, 'web', { state: 'exited', exitCode: 137, startedAt: started })
    assert.deepEqual(decideUp(ended, clock), [])
  })
})

describe('a container whose end restarts all', () => {
  const clock = {
    nowMs: Date.parse('2026-01-01T00:00:10Z'),
    limits: { initialMs: 10_000, maxMs: 10_000, resetMs: 1e6 },
  }
  const times = { startedAt: '2026-01-01T00:00:00Z', finishedAt: '2026-01-01T00:00:05Z' }

  function podEnding(exitCode: number, backoffMs = 0): ObservedPod {
    const plan = podPlan({ setup: 'init', proxy: 'sidecar', web: 'main', log: 'main' }, {
      pod: { spec: { restartPolicy: 'Never', containers: [] } },
    } as unknown as Partial<PodPlan>)
    const rules = [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } }]
    const members = plan.members.map(member =>
      member.name === 'web' ? { ...member, container: { name: 'web', restartPolicyRules: rules } } : member,
    )
    const pod = settledPod({ setup: 'init', proxy: 'sidecar', web: 'main', log: 'main' })
    const lifecycle = { ...NEW_LIFE, started: true, backoffMs }
    return withContainer({ ...pod, plan: { ...plan, members } }, 'web', {
      state: 'exited',
      exitCode,
      ...times,
      lifecycle,
    })
  }

  test('ends the others at once, clears all away, and the pod begins anew', () => {
    const killed = decideUp(podEnding(42), clock)
    assert.deepEqual(kinds(killed), ['killContainer proxy', 'killContainer log'])
    assert.ok(killed.every(action => action.kind === 'killContainer' && action.graceSeconds === 0))
    const ended = killed.reduce(apply, podEnding(42))
    const retired = decideUp(ended, clock)
    assert.deepEqual(kinds(retired), [
      'retireContainer setup',
      'retireContainer proxy',
      'retireContainer web',
      'retireContainer log',
    ])
    const bare = retired.reduce(apply, ended)
    const mounted = decideUp(bare, clock).reduce(apply, bare)
    assert.deepEqual(kinds(decideUp(mounted, clock)), ['createContainer setup'])
  })

  test('only by the status of its rule, and after its back-off', () => {
    assert.deepEqual(decideUp(podEnding(1), clock), [])
    assert.deepEqual(decideUp(podEnding(42, 10_000), clock), [])
  })
})
