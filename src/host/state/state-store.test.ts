import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { after, before, suite, test } from 'node:test'
import type { PodPlan } from '../../plan/types.ts'
import { parseSubnet } from '../network/subnet.ts'
import { identityOf } from '../sys/process-identity.ts'
import { openState, type StateStore } from './state-store.ts'

function podPlan(name: string, hostPort?: number): PodPlan {
  const port = { container: 'web', hostIp: '', hostPort, containerPort: 80, protocol: 'TCP' }
  return {
    namespace: 'default',
    name,
    network: { mode: 'bridge', network: 'kube' },
    ports: hostPort === undefined ? [] : [port],
    volumes: [],
    members: [],
  } as unknown as PodPlan
}

suite('state store', () => {
  const directory = mkdtempSync('/tmp/kube-state-')
  const path = `${directory}/state.db`
  let state: StateStore
  before(() => {
    state = openState(path, { subnet: () => parseSubnet('10.9.0.0/29'), now: () => new Date().toISOString() })
  })
  after(() => {
    state.close()
    rmSync(directory, { recursive: true })
  })

  test('a doomed claim goes once no pod has it, unless another pod comes that has it', () => {
    const having = (name: string, claim: string) =>
      ({
        ...podPlan(name),
        network: { mode: 'host' },
        volumes: [{ kind: 'claim', name: 'v', namespace: 'default', claim, ephemeral: false }],
      }) as unknown as PodPlan
    const taken = () => {
      const names: string[] = []
      state.takeDoomedClaims(({ namespace, claim }) => void names.push(`${namespace}/${claim}`))
      return names
    }
    state.putApp({ name: 'c', source: '-', createdAt: '' })
    state.addPods('c', [{ uid: 'one', plan: having('one', 'used') }])
    state.doomClaims(['used', 'free', 'spared'].map(claim => ({ namespace: 'default', claim })))
    state.addPods('c', [{ uid: 'two', plan: having('two', 'spared') }])
    assert.deepEqual(taken(), ['default/free'])
    for (const uid of ['one', 'two']) state.removePod(uid)
    assert.equal(state.hasDoomedClaims(), true)
    assert.deepEqual(taken(), ['default/used'])
    assert.equal(state.hasDoomedClaims(), false)
    state.removeApp('c')
  })

  test('a pod that is over gives its address and ports back, and still tells its address', () => {
    state.putApp({ name: 'a', source: '-', createdAt: '' })
    state.addPods('a', [{ uid: 'first', plan: podPlan('first', 8080) }])
    const { address } = state.pod('first')!
    assert.throws(() => state.checkPods([podPlan('second', 8080)], new Set()), { code: 'PortInUse' })
    state.setInfra('first', '1:2:3')
    state.endPod('first')
    const ended = state.pod('first')!
    assert.equal(ended.address, undefined)
    assert.equal(ended.infra, undefined)
    assert.deepEqual(ended.ended, { address })
    assert.deepEqual(state.ports(), [])
    state.addPods('a', [{ uid: 'second', plan: podPlan('second', 8080) }])
    assert.throws(() => state.reviveEnded('first'), { code: 'PortInUse' })
    assert.deepEqual(state.pod('first')!.ended, { address })
    state.removePod('second')
    state.reviveEnded('first')
    assert.equal(state.pod('first')!.address, address)
    assert.equal(state.pod('first')!.ended, undefined)
    assert.equal(state.ports().length, 1)
  })

  test('a plan is the same whoever reads it, without what its files hold, and anew once another process changed it', () => {
    const file = { path: 'key', mode: 0o644, text: 'confidential', secret: true }
    const volumes = [{ name: 'v', kind: 'files', source: 'secret', medium: 'memory', mode: 0o644, files: [file] }]
    const plan = { ...podPlan('shown'), volumes } as PodPlan
    state.putApp({ name: 'a', source: '-', createdAt: '' })
    state.addPods('a', [{ uid: 'shown', plan }])
    const other = openState(path, { subnet: () => parseSubnet('10.9.0.0/29'), now: () => new Date().toISOString() })
    try {
      const written = state.pod('shown')!.plan
      assert.deepEqual(other.pod('shown')!.plan, written)
      assert.doesNotMatch(JSON.stringify(written), /confidential/)
      assert.equal(state.pod('shown')!.plan, written, 'parsed once')
      other.setPlan('shown', { ...plan, hash: 'another' })
      assert.equal(state.pod('shown')!.plan.hash, 'another')
      other.removePod('shown')
      assert.equal(state.pod('shown'), undefined)
    } finally {
      other.close()
    }
  })

  test('who waits for an app gets it before others do, and whoever has it can see that', async () => {
    const other = spawn('sleep', ['1000'])
    const db = new DatabaseSync(path)
    const wish = (holder: string) => db.prepare('INSERT OR REPLACE INTO wish VALUES (?, ?)').run('a', holder)
    try {
      await once(other, 'spawn')
      assert.deepEqual(state.claimApp('a'), {})
      assert.equal(state.isAppWanted('a'), false)
      wish(identityOf(other.pid!)!)
      assert.equal(state.isAppWanted('a'), true)
      state.releaseApp('a')
      assert.deepEqual(state.claimApp('a'), { heldBy: other.pid })
      other.kill('SIGKILL')
      await once(other, 'exit')
      assert.deepEqual(state.claimApp('a'), {})
      state.releaseApp('a')
      // Of an app that nobody names again.
      db.prepare('INSERT INTO claim VALUES (?, ?)').run('gone', identityOf(process.pid)!.replace(/:\d+:/, ':1:'))
      assert.deepEqual(state.claimApp('a'), {})
      assert.deepEqual(
        db
          .prepare('SELECT app FROM claim')
          .all()
          .map(({ app }) => app),
        ['a'],
      )
      state.releaseApp('a')
    } finally {
      other.kill('SIGKILL')
      db.close()
    }
  })

  test('conditions that somebody set', () => {
    state.addPods('a', [{ uid: 'third', plan: podPlan('third') }])
    assert.equal(state.pod('third')!.conditions, undefined)
    const condition = { status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' } as const
    const conditions = [
      { ...condition, type: 'example.com/a' },
      { ...condition, type: 'b', message: 'a "quoted" one' },
    ]
    state.setConditions('third', conditions)
    assert.deepEqual(state.pod('third')!.conditions, conditions)
    state.setConditions('third', [])
    assert.equal(state.pod('third')!.conditions, undefined)
  })

  test('no more pods than a bridge has ports, and none is leased of those that are too many', () => {
    const large = openState(`${directory}/large.db`, {
      subnet: () => parseSubnet('10.9.0.0/16'),
      now: () => new Date().toISOString(),
    })
    try {
      large.putApp({ name: 'a', source: '-', createdAt: '' })
      const pods = (count: number, from = 0) =>
        Array.from({ length: count }, (_, index) => ({ uid: `u${from + index}`, plan: podPlan(`p${from + index}`) }))
      const plans = pods(1024).map(({ plan }) => plan)
      assert.throws(() => large.checkPods(plans, new Set()), { code: 'NetworkFull' })
      large.checkPods(plans.slice(1), new Set())
      assert.throws(() => large.addPods('a', pods(1024)), { code: 'NetworkFull' })
      assert.deepEqual(large.pods(), [])
      large.addPods('a', pods(1023))
      const another = podPlan('another')
      assert.throws(() => large.checkPods([another], new Set()), {
        code: 'NetworkFull',
        message: '1024 pods on one network: a Linux bridge has at most 1023 ports',
      })
      large.checkPods([another], new Set(['u7']))
      large.checkPods([{ ...another, network: { mode: 'host' } }], new Set())
      large.endPod('u7')
      large.checkPods([another], new Set())
    } finally {
      large.close()
    }
  })
})
