import assert from 'node:assert/strict'
import { test } from 'node:test'
import { execFailureOf, parseLogLine } from './cri-log.ts'

function entry(text: string) {
  const found = parseLogLine(Buffer.from(`2026-01-01T00:00:00.000000000+00:00 stderr F ${text}`))
  assert.ok(found)
  return found
}

test('what crun writes in the place of a command that could not be executed', () => {
  const msg = 'exec container process `/bin/true`: Argument list too long'
  const line = JSON.stringify({ msg, level: 'error', time: '2026-01-01T00:00:00.0Z' })
  assert.equal(execFailureOf(entry(line)), msg)
  // A terminal has its own line ends.
  assert.equal(execFailureOf(entry(`${line}\r`)), msg)
})

test('what a container writes is never taken for that', () => {
  for (const text of [
    '',
    'exec container process',
    '{"msg":"hello"}',
    '{"msg":"exec container process',
    '{"msg":["exec"]}',
  ])
    assert.equal(execFailureOf(entry(text)), undefined)
})
