/** Opening an SQLite database as every store here does. */
import { accessSync, chmodSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import { freeBytes } from '../sys/free-space.ts'
import { makeDirectory } from '../sys/make-directory.ts'
import { openShared } from '../sys/shared-database.ts'

/**
 * Opens, or makes, a database that several processes use at once. What a power cut takes of the last commits only leaves
 * things that are found again by their names.
 */
export function openDatabase(path: string, version: number, schema: string): DatabaseSync {
  try {
    makeDirectory(dirname(path), 0o700)
    const db = openShared(path)
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
    throw error instanceof KubeError ? error : openError(path, error)
  }
}

/** SQLite's primary result codes. Source: sqlite.org/rescode.html. */
const SQLITE = { IOERR: 10, CORRUPT: 11, FULL: 13, NOTADB: 26 } as const

/** Why it could not be opened: SQLite tells little, so the file system is asked too. */
function openError(path: string, error: unknown): KubeError {
  const result = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined
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
  if (result === SQLITE.CORRUPT || result === SQLITE.NOTADB) {
    return new KubeError('StateCorrupt', `${path} is damaged`, {
      cause: error,
      hint: '`kube system reset --force` begins anew: it removes all pods, images and volumes of this --root',
    })
  }
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
