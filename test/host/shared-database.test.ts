/** A database that several processes make at the same moment. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { openShared } from '../../src/host/sys/shared-database.ts'

const PROCESSES = 4
const ROUNDS = 8

describe('a database', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kube-shared-'))
  after(() => rmSync(dir, { recursive: true, force: true }))

  /** Opens the databases one after the other, each as soon as it is told so by a line. */
  const program = `
    import { openShared } from '${new URL('../../src/host/sys/shared-database.ts', import.meta.url).href}'
    import { createInterface } from 'node:readline'
    console.log('ready')
    for await (const path of createInterface({ input: process.stdin })) {
      const db = openShared(path)
      db.exec('CREATE TABLE IF NOT EXISTS seen (pid)')
      db.prepare('INSERT INTO seen VALUES (?)').run(process.pid)
      db.close()
    }`

  test('is waited for while another process makes it', { timeout: 20_000 }, async () => {
    const path = join(dir, 'begun.db')
    // A transaction of who has not set the mode yet: SQLite refuses to set it then, at once.
    const maker = `
      import { DatabaseSync } from 'node:sqlite'
      const db = new DatabaseSync(${JSON.stringify(path)})
      db.exec('BEGIN IMMEDIATE; CREATE TABLE made (x)')
      console.log('begun')
      setTimeout(() => db.exec('COMMIT'), 200)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', maker], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'exit')
    await once(child.stdout, 'data')
    const db = openShared(path)
    assert.equal(db.prepare('SELECT count(*) AS n FROM made').get()?.n, 0)
    db.close()
    assert.deepEqual(await ended, [0, null])
  })

  test('is made by one of those that begin it together, and used by all', { timeout: 60_000 }, async () => {
    const children = Array.from({ length: PROCESSES }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] }),
    )
    await Promise.all(children.map(child => once(child.stdout, 'data')))
    const paths = Array.from({ length: ROUNDS }, (_, round) => join(dir, `${round}.db`))
    for (const child of children) child.stdin.end(paths.map(path => `${path}\n`).join(''))
    const statuses = await Promise.all(children.map(async child => (await once(child, 'exit'))[0] as number))
    assert.deepEqual(
      statuses,
      children.map(() => 0),
    )
    for (const path of paths) {
      const db = openShared(path)
      assert.equal(db.prepare('SELECT count(*) AS n FROM seen').get()?.n, PROCESSES)
      assert.equal(db.prepare('PRAGMA journal_mode').get()?.journal_mode, 'wal')
      db.close()
    }
  })
})
