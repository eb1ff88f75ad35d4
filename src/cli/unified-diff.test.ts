import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { unifiedDiff } from './unified-diff.ts'

const text = (lines: readonly string[]) => lines.map(line => `${line}\n`).join('')

test('one line among others', () => {
  const before = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  const after = before.map(line => (line === 'e' ? 'E' : line))
  assert.equal(unifiedDiff(text(before), text(after)), '@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n')
})

test('all new, all gone, nothing changed', () => {
  assert.equal(unifiedDiff('', 'a\nb\n'), '@@ -0,0 +1,2 @@\n+a\n+b\n')
  assert.equal(unifiedDiff('a\n', ''), '@@ -1 +0,0 @@\n-a\n')
  assert.equal(unifiedDiff('a\n', 'a\n'), '')
})

test('what patch(1) makes of it is the other text', t => {
  const probe = spawnSync('patch', ['--version'])
  if (probe.error) return t.skip('needs patch')
  const directory = mkdtempSync(join(tmpdir(), 'kube-diff-'))
  try {
    let seed = 7
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31
      return seed % below
    }
    for (let round = 0; round < 60; round++) {
      const before = Array.from({ length: random(40) }, () => `line ${random(8)}`)
      const after = before.flatMap(
        line => [[line], [], ['new', line], [`other ${random(4)}`]][random(12) < 9 ? 0 : random(4)]!,
      )
      const diff = unifiedDiff(text(before), text(after))
      if (diff === '') continue
      const file = join(directory, 'text')
      writeFileSync(file, text(before))
      const result = spawnSync('patch', ['-s', '--posix', '-o', join(directory, 'out'), file], {
        input: `--- text\n+++ text\n${diff}`,
        encoding: 'utf8',
      })
      assert.equal(result.status, 0, `${result.stdout}${result.stderr}\n${diff}`)
      const out = spawnSync('cat', [join(directory, 'out')], { encoding: 'utf8' }).stdout
      assert.equal(out, text(after), diff)
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
})
