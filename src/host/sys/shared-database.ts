/** SQLite databases that several commands use at once. */
import { DatabaseSync } from 'node:sqlite'

/** How long a statement waits for another process's transaction, in milliseconds. */
const BUSY_TIMEOUT_MS = 10_000
/** Between attempts to open, in milliseconds. */
const AGAIN_MS = 5
/** SQLite's primary result code. Source: sqlite.org/rescode.html. */
const BUSY = 5

/**
 * Opens, or makes, a database with a write-ahead log. WAL with NORMAL keeps it whole through any crash; a power cut can take
 * the last commits away. SQLite doesn't wait by itself where two make a database at the same time, so that is tried again.
 */
export function openShared(path: string): DatabaseSync {
  const end = Date.now() + BUSY_TIMEOUT_MS
  for (;;) {
    const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true })
    try {
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
      return db
    } catch (error) {
      db.close()
      if (!isBusy(error) || Date.now() > end) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_MS)
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === BUSY
}
