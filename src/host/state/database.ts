/** Opening an SQLite database as every store here does. */
import { chmodSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { errnoOf, KubeError } from '../../diagnostic.ts'

/** How long a statement waits for another process's transaction, in milliseconds. */
const BUSY_TIMEOUT_MS = 10_000

/**
 * Opens, or makes, a database that several processes use at once. WAL with NORMAL keeps it whole through any crash; a
 * power cut can take the last commits away, which only leaves things that are found again by their names.
 */
export function openDatabase(path: string, version: number, schema: string): DatabaseSync {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON')
    const has = versionOf(db)
    if (has < version) {
      transaction(db, () => {
        if (versionOf(db) < version) db.exec(`${schema}; PRAGMA user_version = ${version}`)
      })
      chmodSync(path, 0o600)
    } else if (has > version) {
      db.close()
      throw new KubeError('StateTooNew', `${path} was made by a newer kube`, {
        hint: 'use that version, or another --root',
      })
    }
    return db
  } catch (error) {
    if (error instanceof KubeError) throw error
    throw new KubeError(errnoOf(error) ?? 'StateUnusable', `open ${path}`, {
      cause: error,
      hint: hintFor(errnoOf(error)),
    })
  }
}

function hintFor(code: string | undefined): string {
  return code === 'EACCES' || code === 'EPERM'
    ? 'run as root, or choose a directory you own with --root'
    : 'choose another directory with --root'
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version)
}

/** Runs `fn` in a write transaction; any failure undoes it. */
export function transaction<T>(db: DatabaseSync, fn: () => T): T {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = fn()
    db.exec('COMMIT')
    return result
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
