/** SQLite databases that several commands use at once. */
import { closeSync, existsSync, openSync, renameSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { removeTreeNow } from './remove-tree.ts'

/** How long a statement waits for another process's transaction, in milliseconds. */
const BUSY_TIMEOUT_MS = 10_000
/** Between attempts to open, in milliseconds. */
const AGAIN_MS = 5
/** SQLite's primary result codes. Source: sqlite.org/rescode.html. */
export const SQLITE = { BUSY: 5, IOERR: 10, CORRUPT: 11, FULL: 13, CANTOPEN: 14, NOTADB: 26 } as const

/** What SQLite failed with, without its details; undefined for other errors. */
export function sqliteResult(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined
}

/** The name of a database that is nowhere but in this process. */
export const IN_MEMORY = ':memory:'

/** Whether SQLite has met pages that make no sense. */
export function isDamage(error: unknown): boolean {
  const result = sqliteResult(error)
  return result === SQLITE.CORRUPT || result === SQLITE.NOTADB
}

/** Whether the database, or what is in its place, is of no use to anybody. */
export function isUnusable(path: string, error: unknown): boolean {
  if (isDamage(error)) return true
  if (sqliteResult(error) !== SQLITE.CANTOPEN) return false
  return filesOf(path).some(file => statSync(file, { throwIfNoEntry: false })?.isFile() === false)
}

/** A database's own files. */
export function filesOf(path: string): readonly string[] {
  return [path, `${path}-wal`, `${path}-shm`]
}

/**
 * Opens, or makes, a database with a write-ahead log. WAL with NORMAL keeps it whole through any crash; a power cut can take
 * the last commits away. SQLite doesn't wait by itself where two make a database at the same time, so that is tried again.
 * Nobody but the owner reads one that is made here, its log included: SQLite gives that the database's own mode.
 */
export function openShared(path: string): DatabaseSync {
  if (path !== IN_MEMORY && !existsSync(path)) closeSync(openSync(path, 'a', 0o600))
  const end = Date.now() + BUSY_TIMEOUT_MS
  for (;;) {
    const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true })
    try {
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
      return db
    } catch (error) {
      db.close()
      if (sqliteResult(error) !== SQLITE.BUSY || Date.now() > end) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_MS)
    }
  }
}

/** What is wrong with a database, looked at without changing it; undefined for one that is whole, or not there. */
export function damageOf(path: string): string | undefined {
  const size = statSync(path, { throwIfNoEntry: false })?.size
  if (size === undefined) return undefined
  if (size === 0) return 'the file is empty'
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
    const told = Object.values(db.prepare('PRAGMA integrity_check(1)').get() ?? {}).join()
    return told === 'ok' ? undefined : told.replace(/\s+/g, ' ')
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    db?.close()
  }
}

/** Keeps a damaged database as `.damaged`, in the place of the one before, for whoever wants to look into it. */
export function setAside(path: string): void {
  // Its log first: what comes in its place would take it for its own.
  for (const file of filesOf(path).toReversed()) {
    const aside = `${path}.damaged${file.slice(path.length)}`
    removeTreeNow(aside)
    if (existsSync(file)) renameSync(file, aside)
  }
}
