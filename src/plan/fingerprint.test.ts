import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fingerprint } from './fingerprint.ts'

/** What the Python package mmh3 5.2 says: `hash128(text.encode('utf-16-le'), seed, x64arch=False)`, word by word. */
const REFERENCE: readonly (readonly [text: string, seed: number, expected: string])[] = [
  ['', 0, '00000000000000000000000000000000'],
  ['', 1, '88c4adec54d201b954d201b954d201b9'],
  ['a', 0, '033bb196ccef4fe1ccef4fe1ccef4fe1'],
  ['kube', 0, '2c7fc56aa1240f80326e3608326e3608'],
  ['kube', 7, 'fd803338214c68c0945ae504945ae504'],
  ['eight ch', 0, 'a853d630ed978fb29f2e0964ebd67aba'],
  ['The quick brown fox jumps over the lazy dog', 0, '15beb6860f94f6cafed4894d28be6d5b'],
  ['\u00e9\u4e2d\u{1f600} mixed', 3, 'd919149bf1a6ef913bdb1180e2b25860'],
  ['x'.repeat(1000), 0, 'd6f261ee010a59b611dba10894295556'],
]

for (const [text, seed, expected] of REFERENCE) {
  test(`agrees with the reference: ${JSON.stringify(text.slice(0, 20))}, seed ${seed}`, () => {
    assert.equal(fingerprint(text, seed), expected)
  })
}

test('a hundred thousand similar texts have fingerprints of their own', () => {
  const seen = new Set(Array.from({ length: 100_000 }, (_, n) => fingerprint(`pod-${n}/web/0`)))
  assert.equal(seen.size, 100_000)
})
