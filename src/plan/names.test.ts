import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generatedName, safeSuffix, templateHash, uuidOf } from './names.ts'

test('a suffix has only letters of the safe alphabet, and the same data gives the same one', () => {
  assert.match(safeSuffix({ a: 1 }, 5), /^[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  assert.equal(safeSuffix({ a: 1, b: 2 }, 5), safeSuffix({ b: 2, a: 1 }, 5))
  assert.notEqual(safeSuffix({ a: 1 }, 5), safeSuffix({ a: 2 }, 5))
})

test('a template hash looks like one of a Deployment', () => {
  assert.match(templateHash({ spec: {} }), /^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/)
})

test('a generated name fits 63 characters and avoids those taken', () => {
  const long = `${'a'.repeat(70)}-`
  const name = generatedName(long, 1, new Set())
  assert.equal(name.length, 63)
  const other = generatedName(long, 1, new Set([name]))
  assert.notEqual(other, name)
  assert.equal(other.length, 63)
})

test('a uid is a well-formed UUID', () => {
  assert.match(uuidOf('x'), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})
