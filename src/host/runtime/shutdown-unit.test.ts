import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { unitArguments, unitsNamed } from './shutdown-unit.ts'

test('the command of the unit survives both systemd and the shell, whatever is in its words', () => {
  const command = ['/opt/it is/no"de', '--root', "/va'r/$HOME", 'shut-down']
  const scratch = mkdtempSync(join(tmpdir(), 'kube-'))
  const file = join(scratch, "the unit's")
  const args = unitArguments('kube-1.service', { file, name: 'kube', directory: '/va"r', command })
  const stop = args.find(arg => arg.startsWith('--property=ExecStop='))!.slice('--property=ExecStop='.length)
  // As systemd reads it: words in double quotes, backslashes before quotes, two dollar signs for one.
  const words = [...stop.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word]) =>
    word!.replaceAll(/\\(.)/g, '$1').replaceAll('$$', '$'),
  )
  assert.deepEqual(words.slice(0, 2), ['/bin/sh', '-c'])
  const script = words[2]!.replace('systemctl is-system-running', 'echo stopping').replace('exec ', 'printf "%s\\n" ')
  const run = () => execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' })
  try {
    // A unit that has been removed has nothing to do.
    assert.equal(run(), '')
    writeFileSync(file, 'kube-1.service')
    assert.deepEqual(run().trim().split('\n'), command)
  } finally {
    rmSync(scratch, { recursive: true })
  }
  assert.ok(args.includes('--property=RequiresMountsFor="/va\\"r"'))
})

test('units are told from those of another state root, whose name may begin with the same', () => {
  const units = ['kube-12-mw1.service', 'kube-1f2e3d-12-mw2.service', 'kube-123456-12-mw3.service', 'kubelet.service']
  assert.deepEqual(unitsNamed('kube', units), ['kube-12-mw1.service'])
  assert.deepEqual(unitsNamed('kube-123456', units), ['kube-123456-12-mw3.service'])
})
