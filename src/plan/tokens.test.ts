import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tokenRenewalMs } from './tokens.ts'

const tokenOf = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig`

test('a token is renewed after four fifths of its life, and after a day at the latest', () => {
  assert.equal(tokenRenewalMs(tokenOf({ iat: 1000, exp: 1600 })), 1_480_000)
  assert.equal(tokenRenewalMs(tokenOf({ iat: 0, exp: 86_400 * 365 })), 86_400_000)
})

test('what is no token is renewed at once', () => {
  for (const text of ['', 'a.b.c', 'x', tokenOf({ exp: 5 })]) assert.equal(tokenRenewalMs(text), 0)
})
