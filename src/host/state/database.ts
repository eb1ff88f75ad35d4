/** Opening an SQLite database as every store here does. */
import { accessSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementResultingChanges } from 'node:sqlite'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import { freeBytes } from '../sys/free-space.ts'
import { makeDirectory } from '../sys/make-directory.ts'
import { isDamage, isUnusable, openShared, SQLITE, sqliteResult } from '../sys/shared-database.ts'

/**
 * Opens, or makes, a database that several processes use at once. What a power cut takes of the last commits only leaves
 * things that are found again by their names.
 */
export function openDatabase(path: string, version: number, schema: string): DatabaseSync {
  try {
    makeDirectory(dirname(path), 0o700)
    const db = openShared(path)
    const has = versionOf(db)
    if (has === 0 && existsSync(backupOf(path))) {
      db.close()
      throw damaged(path, undefined, 'is empty')
    }
    if (has < version) {
      transaction(db, () => {
        if (versionOf(db) < version) db.exec(`${schema}; PRAGMA user_version = ${version}`)
      })
    } else if (has > version) {
      db.close()
      throw new KubeError('StateTooNew', `${path} was made by a newer kube`, {
        hint: `use that version, or another --root; ${RESET}`,
      })
    }
    return db
  } catch (error) {
    throw error instanceof KubeError ? error : openError(path, error)
  }
}

/** Where an earlier state of a database is kept. */
export function backupOf(path: string): string {
  return `${path}.backup`
}

const RESET = '`kube system reset --force` begins anew: it removes all pods, images and volumes of this --root'

function damaged(path: string, cause: unknown, reason = 'is damaged'): KubeError {
  const repair = existsSync(backupOf(path))
    ? '`kube system check --repair` puts its last backup back; '
    : 'there is no backup of it; '
  return new KubeError('StateCorrupt', `${path} ${reason}`, { cause, hint: repair + RESET })
}

/** Why it could not be opened: SQLite tells little, so the file system is asked too. */
function openError(path: string, error: unknown): KubeError {
  const result = sqliteResult(error)
  const code = errnoOf(error)
  const reasons = [code, whyNotWritable(path)]
  if (reasons.includes('EROFS')) {
    return new KubeError('ReadOnly', `${dirname(path)} is on a read-only file system`, {
      cause: error,
      hint: 'choose a directory on another one with --root',
    })
  }
  if (reasons.includes('EACCES') || reasons.includes('EPERM')) {
    return new KubeError('NotPermitted', `no permission to use ${dirname(path)}`, {
      cause: error,
      hint: 'run as root, or choose a directory of your own with --root',
    })
  }
  if (result === SQLITE.FULL || (result === SQLITE.IOERR && freeBytes(dirname(path)) === 0)) {
    return new KubeError('NoSpace', `no space left on the disk that holds ${dirname(path)}`, {
      cause: error,
      hint: '`kube system prune` removes what nothing uses',
    })
  }
  // A directory in its place, for one.
  if (isUnusable(path, error)) return damaged(path, error)
  return new KubeError(code ?? 'StateUnusable', `open ${path}`, {
    cause: error,
    hint: 'choose another directory with --root',
  })
}

function whyNotWritable(path: string): string | undefined {
  try {
    accessSync(existsSync(path) ? path : dirname(path), constants.R_OK | constants.W_OK)
    return undefined
  } catch (error) {
    return errnoOf(error)
  }
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version)
}

/** A statement of the database. */
export interface Statement {
  get(...values: readonly SQLInputValue[]): Record<string, SQLOutputValue> | undefined
  all(...values: readonly SQLInputValue[]): Record<string, SQLOutputValue>[]
  run(...values: readonly SQLInputValue[]): StatementResultingChanges
}

/** The database's statements by their text, each prepared once. Fails with `StateCorrupt` where it meets damage. */
export function statementsOf(db: DatabaseSync): (text: string) => Statement {
  const prepared = new Map<string, Statement>()
  return text => {
    const known = prepared.get(text)
    if (known) return known
    const statement = telling(db, () => db.prepare(text))
    const made: Statement = {
      get: (...values) => telling(db, () => statement.get(...values)),
      all: (...values) => telling(db, () => statement.all(...values)),
      run: (...values) => telling(db, () => statement.run(...values)),
    }
    prepared.set(text, made)
    return made
  }
}

/** Damage in the middle of a file is met by whoever reads there first. */
function telling<T>(db: DatabaseSync, fn: () => T): T {
  try {
    return fn()
  } catch (error) {
    throw isDamage(error) ? damaged(db.location() ?? '', error) : error
  }
}

/** Runs `fn` in a write transaction; any failure undoes it. */
export function transaction<T>(db: DatabaseSync, fn: () => T): T {
  telling(db, () => db.exec('BEGIN IMMEDIATE'))
  try {
    const result = fn()
    telling(db, () => db.exec('COMMIT'))
    return result
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
