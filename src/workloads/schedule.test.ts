import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lastDue, nextTime, parseSchedule } from './schedule.ts'

function next(schedule: string, after: string, timeZone = 'UTC'): string | undefined {
  const at = nextTime(parseSchedule(schedule)!, Date.parse(after), timeZone)
  return at === undefined ? undefined : new Date(at).toISOString().replace('.000Z', 'Z')
}

// Source of the cases: robfig/cron spec_test.go.
const CASES: readonly (readonly [string, string, string | undefined])[] = [
  ['2012-07-09T14:45:00Z', '0/15 * * * *', '2012-07-09T15:00:00Z'],
  ['2012-07-09T14:59:59Z', '0/15 * * * *', '2012-07-09T15:00:00Z'],
  ['2012-07-09T15:45:00Z', '20-35/15 * * * *', '2012-07-09T16:20:00Z'],
  ['2012-07-09T23:46:00Z', '*/15 * * * *', '2012-07-10T00:00:00Z'],
  ['2012-07-09T23:35:51Z', '15/35 20-35/15 * * *', '2012-07-10T20:15:00Z'],
  ['2012-07-09T00:00:00Z', '0 0 */5 * Mon', '2012-07-11T00:00:00Z'],
  ['2012-07-09T23:35:00Z', '0 0 9 Apr-Oct ?', '2012-08-09T00:00:00Z'],
  ['2012-07-09T23:35:00Z', '0 0 * Feb Mon', '2013-02-04T00:00:00Z'],
  ['2012-07-09T23:35:00Z', '0 0 29 Feb ?', '2016-02-29T00:00:00Z'],
  ['2012-07-09T23:35:00Z', '0 0 30 Feb ?', undefined],
  ['2012-07-09T23:35:00Z', '0 0 31 Apr ?', undefined],
  ['2012-07-15T00:00:00Z', '@weekly', '2012-07-22T00:00:00Z'],
  ['2012-07-15T00:00:00Z', '@hourly', '2012-07-15T01:00:00Z'],
  ['2012-12-31T23:59:45Z', '@daily', '2013-01-01T00:00:00Z'],
  ['2012-07-09T14:45:00Z', '@every 1h30m', '2012-07-09T16:15:00Z'],
  ['2012-07-09T14:45:00.500Z', '@every 10ms', '2012-07-09T14:45:01Z'],
  // Either day is enough when both say something.
  ['2012-07-01T00:00:00Z', '0 0 13 * FRI', '2012-07-06T00:00:00Z'],
  ['2012-07-12T00:00:00Z', '0 0 13 * FRI', '2012-07-13T00:00:00Z'],
]

test('the next time', () => {
  for (const [after, schedule, expected] of CASES) assert.equal(next(schedule, after), expected, `${schedule} ${after}`)
})

test('in a time zone, over the change to summer time and back', () => {
  const zone = 'America/New_York'
  assert.equal(next('0 9 * * *', '2026-01-01T00:00:00Z', zone), '2026-01-01T14:00:00Z')
  assert.equal(next('0 9 * * *', '2026-07-01T00:00:00Z', zone), '2026-07-01T13:00:00Z')
  // 02:30 does not exist on 8 March 2026.
  assert.equal(next('30 2 * * *', '2026-03-08T05:00:00Z', zone), '2026-03-09T06:30:00Z')
  assert.equal(next('0 0 * * *', '2026-03-08T05:00:00Z', zone), '2026-03-09T04:00:00Z')
  assert.equal(next('0 0 * * *', '2026-11-01T04:00:00Z', zone), '2026-11-02T05:00:00Z')
  assert.equal(next('15 10 * * *', '2026-01-01T00:00:00Z', 'Asia/Kolkata'), '2026-01-01T04:45:00Z')
})

test('the last time that is due', () => {
  const due = (schedule: string, after: string, until: string) => {
    const { atMs, isTooMany } = lastDue(parseSchedule(schedule)!, {
      afterMs: Date.parse(after),
      untilMs: Date.parse(until),
      timeZone: 'UTC',
    })
    return [atMs === undefined ? undefined : new Date(atMs).toISOString(), isTooMany]
  }
  assert.deepEqual(due('0 * * * *', '2026-01-01T00:30:00Z', '2026-01-01T00:59:59Z'), [undefined, false])
  assert.deepEqual(due('0 * * * *', '2026-01-01T00:30:00Z', '2026-01-01T01:00:00Z'), [
    '2026-01-01T01:00:00.000Z',
    false,
  ])
  assert.deepEqual(due('* 9 * * *', '2026-01-01T08:00:00Z', '2026-01-01T20:00:00Z'), [
    '2026-01-01T09:59:00.000Z',
    false,
  ])
  assert.deepEqual(due('* * * * *', '2020-01-01T00:00:00Z', '2026-01-01T00:00:30Z'), ['2026-01-01T00:00:00.000Z', true])
  assert.deepEqual(due('0 0 1 1 *', '2020-06-01T00:00:00Z', '2026-05-01T00:00:00Z'), [
    '2026-01-01T00:00:00.000Z',
    false,
  ])
  assert.deepEqual(due('@every 1h', '2026-01-01T00:00:00Z', '2026-01-10T00:30:00Z'), ['2026-01-10T00:00:00.000Z', true])
})
