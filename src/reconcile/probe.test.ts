import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { V1Probe } from '@kubernetes/client-node'
import { type ContainerLifecycle, NEW_LIFE, type ProbeKind } from './lifecycle.ts'
import { activeProbes, applyProbe, lifeAtStart, readyWhenStarted } from './probe.ts'

const GOOD = { ok: true, message: '' }
const BAD = { ok: false, message: 'no' }

/** The life after these results, and the first at which the container is to be killed. */
function after(kind: ProbeKind, probe: V1Probe, results: string, start: ContainerLifecycle = NEW_LIFE) {
  let life = start
  let killedAt: number | undefined
  for (const [i, result] of [...results].entries()) {
    const verdict = applyProbe(life, kind, probe, result === '+' ? GOOD : BAD)
    life = verdict.lifecycle
    if (verdict.kill) killedAt ??= i + 1
  }
  return { life, killedAt }
}

suite('thresholds', () => {
  test('readiness: one success, three failures in a row; it never kills', () => {
    assert.equal(after('readiness', {}, '+').life.ready, true)
    assert.equal(after('readiness', {}, '+--').life.ready, true)
    assert.equal(after('readiness', {}, '+---').killedAt, undefined)
    assert.equal(after('readiness', {}, '+---').life.ready, false)
    assert.equal(after('readiness', {}, '+--+--').life.ready, true)
    assert.equal(after('readiness', { successThreshold: 2 }, '+').life.ready, false)
    assert.equal(after('readiness', { successThreshold: 2 }, '+-+').life.ready, false)
    assert.equal(after('readiness', { successThreshold: 2 }, '++').life.ready, true)
  })

  test('liveness kills at the third failure in a row', () => {
    assert.equal(after('liveness', {}, '--+--').killedAt, undefined)
    assert.equal(after('liveness', {}, '+---').killedAt, 4)
    assert.equal(after('liveness', { failureThreshold: 1 }, '+-').killedAt, 2)
  })

  test('startup starts, or kills', () => {
    assert.equal(after('startup', { failureThreshold: 3 }, '--+').life.started, true)
    assert.equal(after('startup', { failureThreshold: 3 }, '---').killedAt, 3)
  })

  test('what goes on as it was is no change', () => {
    assert.deepEqual(after('readiness', {}, '++++').life, after('readiness', {}, '+').life)
    assert.deepEqual(after('readiness', {}, '------').life, after('readiness', {}, '---').life)
  })
})

suite('turns', () => {
  const probes = { startup: {}, liveness: {}, readiness: {} }

  test('the startup probe alone until it passed', () => {
    assert.deepEqual(activeProbes(probes, NEW_LIFE), ['startup'])
    assert.deepEqual(activeProbes(probes, { ...NEW_LIFE, started: true }), ['liveness', 'readiness'])
    assert.deepEqual(activeProbes({ liveness: {} }, NEW_LIFE), ['liveness'])
  })

  test('a fresh start forgets what the last run was', () => {
    const old = { ...NEW_LIFE, backoffMs: 20_000, ready: true, started: true, waiting: { reason: 'x', message: 'y' } }
    assert.deepEqual(lifeAtStart(old, probes), { backoffMs: 20_000, ready: false, started: false, probes: {} })
    assert.deepEqual(lifeAtStart(NEW_LIFE, {}), { ...NEW_LIFE, ready: true, started: true })
    assert.deepEqual(lifeAtStart(NEW_LIFE, { readiness: {} }), { ...NEW_LIFE, ready: false, started: true })
  })

  test('ready once it started, where nothing else has to say so', () => {
    const started = { ...NEW_LIFE, started: true }
    assert.equal(readyWhenStarted(started, { startup: {} }).ready, true)
    assert.equal(readyWhenStarted(started, probes).ready, false)
    assert.equal(readyWhenStarted(NEW_LIFE, { startup: {} }).ready, false)
  })
})
