import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WireObject } from '../status/wire.ts'
import { parseWish } from './wait-wish.ts'

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web' },
  status: {
    phase: 'Running',
    conditions: [
      { type: 'Ready', status: 'False' },
      { type: 'PodScheduled', status: 'True' },
    ],
    containerStatuses: [{ restartCount: 3 }, { restartCount: 0 }],
  },
} as unknown as WireObject

test('conditions, in any case', () => {
  assert.equal(parseWish('condition=Ready').holds(pod), false)
  assert.equal(parseWish('condition=ready=FALSE').holds(pod), true)
  assert.equal(parseWish('Condition=PodScheduled').holds(pod), true)
  assert.equal(parseWish('condition=Gone').holds(pod), false)
  assert.equal(parseWish('condition=Ready').holds(undefined), false)
})

test('paths, with and without a value', () => {
  assert.equal(parseWish('jsonpath={.status.phase}=Running').holds(pod), true)
  assert.equal(parseWish('jsonpath={.status.phase}=Failed').holds(pod), false)
  assert.equal(parseWish('jsonpath=.status.phase=Running').holds(pod), true)
  assert.equal(parseWish('jsonpath={.status.phase}').holds(pod), true)
  assert.equal(parseWish('jsonpath={.status.reason}').holds(pod), false)
  assert.equal(parseWish('jsonpath={.status.containerStatuses[0].restartCount}=3').holds(pod), true)
  assert.equal(parseWish('jsonpath={.status.conditions[?(@.type=="Ready")].status}=False').holds(pod), true)
})

test('being there', () => {
  assert.equal(parseWish('delete').holds(pod), false)
  assert.equal(parseWish('delete').holds(undefined), true)
  assert.equal(parseWish('create').holds(pod), true)
})

test('what is no condition is refused', () => {
  for (const text of ['Ready', 'condition=', 'jsonpath=', 'jsonpath={.a}=', 'jsonpath={.a}b', ''])
    assert.throws(() => parseWish(text), { code: 'Usage', exitStatus: 2 }, text)
})
