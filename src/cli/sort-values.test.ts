import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareValues } from './sort-values.ts'

function sorted(values: readonly unknown[]): readonly unknown[] {
  return values
    .map(value => ({ value }))
    .sort((a, b) => compareValues(a.value, b.value))
    .map(({ value }) => value)
}

test('numbers within text are numbers', () => {
  assert.deepEqual(sorted(['10.0.0.10', '10.0.0.9', '10.0.0.1']), ['10.0.0.1', '10.0.0.9', '10.0.0.10'])
  assert.deepEqual(sorted(['web-10', 'web', 'web-9', 'db-1']), ['db-1', 'web', 'web-9', 'web-10'])
})

test('quantities and numbers are sorted by their amount', () => {
  assert.deepEqual(sorted(['1Gi', '200Mi', '1G', '500k']), ['500k', '200Mi', '1G', '1Gi'])
  assert.deepEqual(sorted(['1', '500m', '20']), ['500m', '1', '20'])
  assert.deepEqual(sorted([10, 9, 1]), [1, 9, 10])
})

test('what is not there comes first', () => {
  assert.deepEqual(sorted(['b', undefined, 'a']), [undefined, 'a', 'b'])
})
