import assert from 'node:assert/strict'
import test from 'node:test'
import { bytesValue, compareQuantities, formatQuantity, milliValue, parseQuantity, wholeValue } from './quantity.ts'

test('reads whole, fractional, suffixed and exponent quantities exactly', () => {
  assert.equal(milliValue('100m'), 100n)
  assert.equal(milliValue('0.1'), 100n)
  assert.equal(milliValue(0.5), 500n)
  assert.equal(milliValue('2'), 2000n)
  assert.equal(milliValue('1.'), 1000n)
  assert.equal(milliValue('.5'), 500n)
  assert.equal(bytesValue('1.5Gi'), 1_610_612_736n)
  assert.equal(bytesValue('64M'), 64_000_000n)
  assert.equal(bytesValue('1e3'), 1000n)
  assert.equal(bytesValue('1E3'), 1000n)
  assert.equal(bytesValue('1E'), 10n ** 18n)
  assert.equal(bytesValue('7Ei'), 7n * 2n ** 60n)
  assert.equal(bytesValue('9007199254740993'), 9_007_199_254_740_993n)
  assert.equal(bytesValue('-1Ki'), -1024n)
})

test('what is too large counts as the largest, as in Kubernetes', () => {
  for (const text of ['16Ei', '9223372036854775808', '1e999']) assert.equal(bytesValue(text), 2n ** 63n - 1n, text)
})

test('rounds away from zero, as Kubernetes does', () => {
  assert.equal(milliValue('1u'), 1n)
  assert.equal(milliValue('100.5m'), 101n)
  assert.equal(wholeValue('0.1'), 1n)
  assert.equal(parseQuantity('0.1n')?.nanos, 1n)
  assert.equal(milliValue('-100.5m'), -101n)
})

test('refuses what is no quantity', () => {
  for (const text of ['', '.', '1GB', '1 Gi', 'abc', '1gi', '1K', '1e', '--1', '1e99999', '0x10', '1,5'])
    assert.equal(parseQuantity(text), undefined, text)
})

test('prints the canonical form', () => {
  const cases = {
    '0.5': '500m',
    '1000m': '1',
    '1024Mi': '1Gi',
    '1.5Gi': '1536Mi',
    '512': '512',
    '1024': '1024',
    '0.5Ki': '512',
    '64M': '64M',
    '1000k': '1M',
    '1e3': '1e3',
    '1e9': '1e9',
    '1100e3': '1100e3',
    '0Gi': '0',
    '-2000m': '-2',
    '100n': '100n',
  }
  for (const [source, canonical] of Object.entries(cases)) assert.equal(formatQuantity(source), canonical, source)
})

test('compares across suffixes', () => {
  assert.equal(compareQuantities('1Gi', '1024Mi'), 0)
  assert.equal(compareQuantities('1G', '1Gi'), -1)
  assert.equal(compareQuantities('1', '999m'), 1)
})
