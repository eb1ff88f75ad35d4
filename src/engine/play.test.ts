import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { KubeError } from '../diagnostic.ts'
import { readManifests } from '../manifest/read.ts'
import { planApp } from '../plan/plan-app.ts'
import type { PodPlan } from '../plan/types.ts'
import { down } from './down.ts'
import { type FakeHost, fakeHost } from './fake-host.ts'
import { type PlayRequest, play } from './play.ts'

const WEB = `
apiVersion: v1
kind: Pod
metadata: { name: web }
spec:
  containers:
  - { name: web, image: busybox:1, command: [httpd] }
  - { name: log, image: busybox:1, command: [logger] }
`

const SEVERAL = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: api }
spec:
  replicas: 2
  selector: { matchLabels: { app: api } }
  template:
    metadata: { labels: { app: api } }
    spec:
      initContainers:
      - { name: proxy, image: busybox:1, command: [proxy], restartPolicy: Always }
      containers:
      - { name: api, image: busybox:1, command: [api] }
---
apiVersion: v1
kind: Pod
metadata: { name: alone }
spec:
  hostNetwork: true
  containers: [{ name: only, image: busybox:1, command: [only] }]
`

async function request(text: string, app = 'demo'): Promise<PlayRequest> {
  const { objects, diagnostics } = await readManifests([{ name: 'demo.yaml', text }], { namespace: 'default' })
  assert.deepEqual(
    diagnostics.filter(({ severity }) => severity === 'error'),
    [],
  )
  const { pods } = planApp(objects)
  const records = objects.map(({ apiVersion, kind, namespace, name, value }) => ({
    apiVersion,
    kind,
    namespace,
    name,
    value,
  }))
  return { app, source: '/demo.yaml', objects: records, plans: pods }
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof KubeError, `expected a failure, got ${String(error)}`)
  return error.code
}

describe('play', () => {
  test('makes what the manifest says, once', async () => {
    const host = fakeHost()
    const first = await play(await request(WEB), { host })
    assert.equal(first.created.length, 1)
    const before = host.snapshot()
    host.calls.length = 0
    const second = await play(await request(WEB), { host })
    assert.deepEqual([second.created.length, second.unchanged.length], [0, 1])
    assert.deepEqual(host.snapshot(), before)
    assert.deepEqual(
      host.calls.filter(call => call !== 'publish' && call !== 'prepare'),
      [],
    )
  })

  test('a changed pod is made again, the others are left alone', async () => {
    const host = fakeHost()
    await play(await request(SEVERAL), { host })
    const untouched = host.state.pods().filter(pod => pod.plan.name !== 'alone')
    const result = await play(await request(SEVERAL.replace('command: [only]', 'command: [only, -v]')), { host })
    assert.deepEqual([result.created.length, result.replaced], [1, ['default/alone']])
    assert.deepEqual(
      result.unchanged.map(pod => pod.uid),
      untouched.map(pod => pod.uid),
    )
    assert.equal(host.state.pods().length, 3)
  })

  test('a container that ended unseen is started again', async () => {
    const host = fakeHost()
    await play(await request(WEB), { host })
    const woken: unknown[] = []
    host.wakeSupervisor = pods => woken.push(pods)
    await play(await request(WEB), { host })
    host.exit(host.state.pods()[0]!.uid, 'web', 137)
    await play(await request(WEB), { host })
    assert.deepEqual(woken, [[], 'always'])
  })

  test('a container that ended while its pod was being made is started again', async () => {
    const host = fakeHost()
    const woken: unknown[] = []
    host.wakeSupervisor = pods => woken.push(pods)
    const { markBuilt } = host.state
    host.state.markBuilt = app => {
      host.exit(host.state.pods()[0]!.uid, 'web', 1)
      markBuilt(app)
    }
    await play(await request(WEB), { host })
    assert.deepEqual(woken, ['always'])
  })

  test('a changed workload is left to its controller', async () => {
    const host = fakeHost()
    await play(await request(SEVERAL), { host })
    const before = host.state.pods().map(pod => pod.uid)
    let woken: unknown
    host.wakeSupervisor = pods => {
      woken = pods
    }
    const result = await play(await request(SEVERAL.replace('command: [api]', 'command: [api, -v]')), { host })
    assert.deepEqual(result.created, [])
    assert.deepEqual(
      host.state.pods().map(pod => pod.uid),
      before,
    )
    assert.equal(woken, 'always')
  })

  test('what left the manifest is pruned', async () => {
    const host = fakeHost()
    await play(await request(SEVERAL), { host })
    const result = await play(await request(SEVERAL.slice(0, SEVERAL.indexOf('---'))), { host })
    assert.deepEqual(result.pruned, ['default/alone'])
  })

  test('down leaves nothing', async () => {
    const host = fakeHost()
    const empty = host.snapshot()
    await play(await request(SEVERAL), { host })
    await down('demo', { host })
    assert.deepEqual(host.snapshot(), empty)
  })

  test('a name or port that another app has stops it before anything is made or removed', async () => {
    const host = fakeHost()
    await play(await request(WEB), { host })
    const before = host.snapshot()
    assert.equal(await codeOf(play(await request(WEB, 'other'), { host })), 'PodExists')
    assert.deepEqual(host.snapshot(), before)
  })

  test('a missing image stops it before anything is made or removed', async () => {
    const host = fakeHost()
    await play(await request(WEB), { host })
    const before = host.snapshot()
    assert.equal(await codeOf(play(await request(WEB.replaceAll('busybox:1', 'missing:1')), { host })), 'ImageNotFound')
    assert.deepEqual(host.snapshot(), before)
  })

  test('a pod whose init container failed stays, and nothing after it is started', async () => {
    const host = fakeHost()
    const init = WEB.replace(
      '  containers:',
      '  restartPolicy: Never\n  initContainers: [{ name: setup, image: busybox:1, command: [setup] }]\n  containers:',
    )
    const ended = host.runtime.ended.bind(host.runtime)
    const failing: FakeHost = Object.assign(host, {
      runtime: {
        ...host.runtime,
        ended: async (id: string, process: string) => {
          const pod = host.state.pods()[0]!
          host.exit(pod.uid, 'setup', 3)
          await ended(id, process)
        },
      },
    })
    await play(await request(init), { host: failing })
    const [pod] = host.state.pods()
    assert.notEqual(pod?.containers.setup?.startedAt, undefined)
    assert.equal(pod?.containers.web, undefined)
  })

  test('an init container that takes too long is left to the supervisor', async () => {
    const host = fakeHost()
    const init = WEB.replace(
      '  containers:',
      '  initContainers: [{ name: setup, image: busybox:1, command: [setup] }]\n  containers:',
    )
    const never = (_id: string, _process: string, signal?: AbortSignal) =>
      new Promise<void>(resolve => signal?.addEventListener('abort', () => resolve()))
    const waiting: FakeHost = Object.assign(host, { runtime: { ...host.runtime, ended: never } })
    const { created } = await play(await request(init), { host: waiting, initPatienceMs: 5 })
    // In real time: a pod's deadline is not waited past.
    const due = init.replaceAll('name: web', 'name: due').replace('spec:', 'spec:\n  activeDeadlineSeconds: 1')
    await play({ ...(await request(due)), app: 'due' }, { host: waiting, initPatienceMs: 60_000 })
    assert.equal(created[0]?.builder, undefined)
    assert.notEqual(created[0]?.containers.setup?.startedAt, undefined)
    assert.equal(created[0]?.containers.web, undefined)
  })

  test('a postStart hook that hangs is left to the supervisor', async () => {
    const host = fakeHost()
    const hook = WEB.replace('busybox:1', 'busybox:1, lifecycle: { postStart: { exec: { command: [wait] } } }')
    const handlers: FakeHost['handlers'] = {
      run: ({ signal }) =>
        new Promise(resolve => signal?.addEventListener('abort', () => resolve({ ok: false, message: 'cut short' }))),
    }
    const waiting: FakeHost = Object.assign(host, { handlers })
    const { created } = await play(await request(hook), { host: waiting, hookPatienceMs: 5 })
    assert.equal(created[0]?.containers.web?.lifecycle?.hook, 'running')
    assert.equal(created[0]?.builder, undefined)
  })

  test('an interrupted play is undone', async () => {
    const host = fakeHost()
    const abort = new AbortController()
    const outcome = play(await request(SEVERAL), { host, signal: abort.signal, onAction: () => abort.abort() })
    assert.equal(await codeOf(outcome), 'Interrupted')
    assert.deepEqual(host.snapshot(), [])
  })
})

/** How many making effects a whole play has. */
async function makingCalls(text: string): Promise<number> {
  const host = fakeHost()
  await play(await request(text), { host })
  return host.calls.length
}

describe('undo, after a failure at every single step', () => {
  for (const [name, text] of [
    ['one pod', WEB],
    ['several pods', SEVERAL],
  ] as const) {
    for (const after of [false, true]) {
      test(`${name}, failing ${after ? 'after' : 'before'} each effect`, async () => {
        const steps = await makingCalls(text)
        assert.ok(steps > 5)
        for (let n = 0; n < steps; n++) {
          const host = fakeHost()
          const empty = host.snapshot()
          host.failMaking(n, after)
          assert.equal(await codeOf(play(await request(text), { host })), 'Injected', `step ${n}`)
          assert.deepEqual(host.snapshot(), empty, `step ${n}: ${host.calls.join(' ')}`)
        }
      })
    }
  }

  test('over an app that was there, nothing of it is harmed', async () => {
    const added = `${WEB}---${WEB.replace('name: web', 'name: second')}`
    const steps = await makingCalls(WEB)
    for (let n = 0; n < steps; n++) {
      const host = fakeHost()
      await play(await request(WEB), { host })
      const before = host.snapshot()
      host.failMaking(n)
      assert.equal(await codeOf(play(await request(added), { host })), 'Injected', `step ${n}`)
      assert.deepEqual(host.snapshot(), before, `step ${n}`)
      assert.deepEqual(
        host.state.objects().map(object => object.name),
        ['web'],
      )
    }
  })

  test('a failure with hardly any memory comes with the guess that its unit is missing', async () => {
    const host = fakeHost()
    // The first is the infra container's start, for which the pod's limit counts.
    host.failMaking(1)
    const text = WEB.replaceAll('command:', 'resources: { limits: { memory: 128 } }, command:')
    const error = await play(await request(text), { host }).catch((reason: unknown) => reason)
    assert.ok(error instanceof KubeError)
    assert.match(error.hint ?? '', /memory limit of 256 bytes/)
  })

  test('when the undoing fails too, the cause comes first, the record stays, and the next command finishes', async () => {
    const steps = await makingCalls(WEB)
    for (const removing of ['stop', 'remove', 'stopInfra', 'detach', 'unmountRootfs', 'removeSandbox']) {
      const host = fakeHost()
      host.failMaking(steps - 1, true)
      host.failRemoving(removing)
      const error = await play(await request(WEB), { host }).catch((reason: unknown) => reason)
      assert.ok(error instanceof KubeError)
      assert.equal(error.code, 'Injected')
      assert.ok(
        error.notes.some(note => note.startsWith('could not undo: ') && note.includes(removing)),
        error.notes.join('\n'),
      )
      assert.equal(host.state.pods().length, 1)
      host.failRemoving(undefined)
      await down('demo', { host })
      assert.deepEqual(host.snapshot(), [], removing)
    }
  })
})

test('a plan of many pods is made side by side, each with its own address', async () => {
  const host = fakeHost()
  const result = await play(await request(SEVERAL.replace('replicas: 2', 'replicas: 40')), { host })
  const plans: readonly PodPlan[] = result.created.map(pod => pod.plan)
  assert.equal(new Set(plans.map(plan => plan.name)).size, 41)
})
