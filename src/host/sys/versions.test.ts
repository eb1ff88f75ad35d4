import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOlder } from './versions.ts'

test('versions are compared number by number', () => {
  for (const [version, than, older] of [
    ['1.8.1', '1.14', true],
    ['1.14', '1.8.1', false],
    ['crun version 0.17', '0.18', true],
    ['2.1', '2.1.0', false],
    ['2.0.25', '2.1.0', true],
    ['v1.0.6', '1.0', false],
    ['5.4.0-150-generic', '5.6', true],
    ['6.18.44-fc-v657', '5.6', false],
    ['UNKNOWN', '1.0', false],
  ] as const)
    assert.equal(isOlder(version, than), older, version)
})
