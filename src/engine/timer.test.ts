import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LONGEST_TIMER_MS, startTimer, timeoutSignal } from './timer.ts'

test('a time that no timer takes is waited for all the same', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let calls = 0
  startTimer(() => calls++, 2 * LONGEST_TIMER_MS + 10)
  for (const part of [LONGEST_TIMER_MS, LONGEST_TIMER_MS, 9]) {
    t.mock.timers.tick(part)
    assert.equal(calls, 0)
  }
  t.mock.timers.tick(1)
  assert.equal(calls, 1)
})

test('what is disposed of is not called, in whichever part', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const timer = startTimer(() => assert.fail('it was disposed of'), LONGEST_TIMER_MS + 10)
  t.mock.timers.tick(LONGEST_TIMER_MS)
  timer[Symbol.dispose]()
  t.mock.timers.tick(LONGEST_TIMER_MS)
})

test('the longest limit of a command is no error', () => {
  assert.equal(timeoutSignal(Number.MAX_SAFE_INTEGER).aborted, false)
})
