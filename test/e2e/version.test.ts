import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { KUBE } from '../support/instance.ts'

const kube = (...args: readonly string[]) => execFileSync(KUBE, args, { encoding: 'utf8' })

test('the version, in the ways that people ask for it', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  assert.equal(kube('version'), `kube ${version}\n`)
  assert.equal(JSON.parse(kube('version', '-o', 'json')).version, version)
  for (const option of ['-v', '--version']) assert.equal(kube(option), `${version}\n`)
})
