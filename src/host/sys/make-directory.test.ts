import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makeDirectory } from './make-directory.ts'

const top = mkdtempSync(join(tmpdir(), 'kube-directories-'))
after(() => rmSync(top, { recursive: true }))

const modeOf = (path: string) => statSync(path).mode & 0o777

test('it is made with its parents, and what is there stays as it is', () => {
  makeDirectory(`${top}/a/b`, 0o700)
  makeDirectory(`${top}/a/b/c/d/`, 0o711)
  makeDirectory(`${top}/a/b`, 0o755)
  const modes = ['a', 'a/b', 'a/b/c', 'a/b/c/d'].map(name => modeOf(`${top}/${name}`))
  assert.deepEqual(modes, [0o700, 0o700, 0o711, 0o711])
})

test('what stands in its way is told as the kernel tells it', () => {
  writeFileSync(`${top}/file`, '')
  symlinkSync('nowhere', `${top}/dangling`)
  assert.throws(() => makeDirectory(`${top}/file`, 0o755), { code: 'EEXIST' })
  assert.throws(() => makeDirectory(`${top}/file/x/y`, 0o755), { code: 'ENOTDIR' })
  assert.throws(() => makeDirectory(`${top}/dangling`, 0o755), { code: 'EEXIST' })
})

test('it ends where a directory that is there takes no others', () => {
  // In a process of its own: one that doesn't end could not end the test either.
  const program = `
    import { makeDirectory } from ${JSON.stringify(new URL('make-directory.ts', import.meta.url).href)}
    try { makeDirectory('/proc/none/of/these', 0o755) } catch (error) { console.log(error.code) }`
  const { stdout, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  assert.deepEqual([stdout, signal], ['ENOENT\n', null])
})
