import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, span } from './image-words.ts'

test('sizes have three digits and decimal units', () => {
  const said = [0, 999, 1000, 4_497_096, 187_700_000, 1_043_000_000].map(bytes)
  assert.deepEqual(said, ['0 B', '999 B', '1 kB', '4.5 MB', '188 MB', '1.04 GB'])
})

test('spans are said as docker says them', () => {
  const hour = 3600
  const seconds = [
    0.2,
    1,
    59,
    60,
    119,
    120,
    3599,
    hour,
    2 * hour,
    47 * hour,
    48 * hour,
    14 * 24 * hour,
    60 * 24 * hour,
    800 * 24 * hour,
  ]
  const said = seconds.map(value => span(value * 1000))
  const words = [
    'Less than a second',
    '1 second',
    '59 seconds',
    'About a minute',
    'About a minute',
    '2 minutes',
    '59 minutes',
    'About an hour',
    '2 hours',
    '47 hours',
    '2 days',
    '2 weeks',
    '2 months',
    '2 years',
  ]
  assert.deepEqual(said, words)
})
