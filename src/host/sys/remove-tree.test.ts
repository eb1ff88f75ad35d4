import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { KubeError } from '../../diagnostic.ts'
import { removeTree, removeTreeNow } from './remove-tree.ts'

function scratch(t: TestContext): string {
  const top = mkdtempSync(join(tmpdir(), 'kube-tree-'))
  t.after(() => rmSync(top, { recursive: true, force: true }))
  return top
}

test('removes directories that are nested deeper than a path can name, and what is absent', async t => {
  const top = join(scratch(t), 'tree')
  mkdirSync(top)
  // In a process of its own: where it is then, no path leads to.
  const nest = `for (let i = 0; i < 600; i++) { fs.writeFileSync('f', ''); fs.mkdirSync('d'.repeat(200)); process.chdir('d'.repeat(200)) }`
  execFileSync(process.execPath, ['-e', nest], { cwd: top })
  await removeTree(top)
  assert.ok(!existsSync(top))
  await removeTree(top)
  await removeTree(join(top, 'below', 'what', 'is', 'absent'))
})

test('removes a file, a link but not what it leads to, and names that are no text', async t => {
  const top = scratch(t)
  const kept = join(top, 'kept')
  mkdirSync(kept)
  writeFileSync(join(kept, 'file'), 'kept')
  const tree = join(top, 'tree')
  mkdirSync(tree)
  symlinkSync(kept, join(tree, 'link'))
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.of(0xff, 0xfe)]), '')
  symlinkSync(kept, join(top, 'link'))
  await removeTree(tree)
  await removeTree(join(top, 'link'))
  removeTreeNow(join(kept, 'absent'))
  assert.deepEqual(readdirSync(top), ['kept'])
  assert.equal(readFileSync(join(kept, 'file'), 'utf8'), 'kept')
  removeTreeNow(join(kept, 'file'))
  assert.deepEqual(readdirSync(kept), [])
})

test('removes many files while the rest of the process goes on', async t => {
  const tree = join(scratch(t), 'tree')
  for (let i = 0; i < 40; i++) {
    mkdirSync(join(tree, `${i}`, 'inner'), { recursive: true })
    for (let j = 0; j < 100; j++) writeFileSync(join(tree, `${i}`, `${j}`), '')
  }
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  await removeTree(tree)
  clearInterval(timer)
  assert.ok(!existsSync(tree))
  assert.ok(turns > 0, 'no timer had a turn')
})

test('a mount in the tree, of the same file system or another, is never stepped onto', {
  skip: process.getuid?.() === 0 ? false : 'mounting takes root',
}, async t => {
  const top = scratch(t)
  const precious = join(top, 'precious')
  mkdirSync(precious)
  writeFileSync(join(precious, 'file'), "the user's")
  const tree = join(top, 'tree')
  for (const [name, args] of [
    ['bind', ['--bind', precious]],
    ['memory', ['-t', 'tmpfs', 'tmpfs']],
  ] as const) {
    const place = join(tree, 'a', name)
    mkdirSync(place, { recursive: true })
    execFileSync('mount', [...args, place])
    try {
      if (name === 'memory') writeFileSync(join(place, 'file'), '')
      const isRefused = (error: unknown) => error instanceof KubeError && error.code === 'StillMounted'
      await assert.rejects(removeTree(tree), isRefused)
      assert.throws(() => removeTreeNow(place), isRefused)
      assert.deepEqual(readdirSync(place), ['file'])
    } finally {
      execFileSync('umount', [place])
    }
  }
  await removeTree(tree)
  assert.deepEqual(readdirSync(top), ['precious'])
  assert.deepEqual(readdirSync(precious), ['file'])
})
