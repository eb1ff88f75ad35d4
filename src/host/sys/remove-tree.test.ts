import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { removeTree } from './remove-tree.ts'

test('removes directories that are nested deeper than a path can name, and what is absent', async () => {
  const top = mkdtempSync(join(tmpdir(), 'kube-tree-'))
  // In a process of its own: where it is then, no path leads to.
  const nest = `for (let i = 0; i < 60; i++) { fs.mkdirSync('d'.repeat(200)); process.chdir('d'.repeat(200)) }`
  execFileSync(process.execPath, ['-e', nest], { cwd: top })
  await removeTree(top)
  assert.ok(!existsSync(top))
  await removeTree(top)
})
