import assert from 'node:assert/strict'
import test from 'node:test'
import { canonicalJson, hashOf } from './canonical.ts'

test('equal data have one text, whatever the order of their keys', () => {
  const value = { b: [1, { d: null, c: 'text "quoted"\n' }], a: true, absent: undefined, at: new Date(0), n: -0.5 }
  const text = '{"a":true,"at":"1970-01-01T00:00:00.000Z","b":[1,{"c":"text \\"quoted\\"\\n","d":null}],"n":-0.5}'
  assert.equal(canonicalJson(value), text)
  assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)))
  assert.equal(hashOf({ a: 1, b: 2 }), hashOf({ b: 2, a: 1 }))
  assert.notEqual(hashOf({ a: 1 }), hashOf({ a: '1' }))
})

test('what JSON has no word for', () => {
  assert.equal(canonicalJson([undefined, Number.NaN]), '[null,null]')
  assert.equal(canonicalJson(undefined), 'null')
  assert.equal(canonicalJson({ __proto__: null, x: {} }), '{"x":{}}')
})
