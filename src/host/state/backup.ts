/** An earlier state of a database beside it, for when a disk or a hand has damaged it. */
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { KubeError } from '../../diagnostic.ts'
import { freeBytes } from '../sys/free-space.ts'
import { damageOf, filesOf, setAside } from '../sys/shared-database.ts'
import { backupOf } from './database.ts'

/** Where less is free, no backup is made. */
const FREE_BYTES = 16 * 1024 * 1024

/**
 * Makes a backup, unless nothing was written since the last one or that is younger than `youngMs`. It takes 3 milliseconds
 * for a database of 200 KiB, reads all of it, and so never replaces a good backup by a damaged one. What cannot be done is
 * left to the next time.
 */
export function backUp(db: DatabaseSync, youngMs: number): void {
  const path = db.location()
  if (path === null) return
  const backup = backupOf(path)
  const last = find(backup)?.mtimeMs ?? 0
  if (Date.now() - last < youngMs || last > lastWrite(path)) return
  const fresh = `${backup}.${process.pid}`
  try {
    removeScratch(dirname(path))
    if (freeBytes(dirname(path)) < FREE_BYTES) return
    // Nobody else's to read from its first byte: VACUUM fills an empty file.
    closeSync(openSync(fresh, constants.O_CREAT | constants.O_WRONLY | constants.O_TRUNC, 0o600))
    db.prepare('VACUUM INTO ?').run(fresh)
    renameSync(fresh, backup)
  } catch {
    rmSync(fresh, { force: true })
  }
}

/** In milliseconds. The log is written to first. */
function lastWrite(path: string): number {
  return Math.max(...filesOf(path).map(file => (file.endsWith('-shm') ? 0 : (find(file)?.mtimeMs ?? 0))))
}

/**
 * Puts the backup in the place of a damaged database, which is kept as `.damaged`. Returns when it was made, or undefined
 * where there is none. Fails with `StateCorrupt` when it is damaged as well.
 */
export function restoreBackup(path: string): Date | undefined {
  const backup = backupOf(path)
  const made = find(backup)?.mtime
  if (made === undefined) return undefined
  const damage = damageOf(backup)
  if (damage !== undefined || versionOf(backup) === 0) {
    throw new KubeError('StateCorrupt', `${backup} is damaged too${damage === undefined ? '' : `: ${damage}`}`, {
      hint: '`kube system reset --force` begins anew',
    })
  }
  setAside(path)
  // A copy: until the next backup is made it stays what it is.
  const db = new DatabaseSync(backup, { readOnly: true })
  try {
    const fresh = `${path}.${process.pid}`
    rmSync(fresh, { force: true })
    closeSync(openSync(fresh, 'wx', 0o600))
    db.prepare('VACUUM INTO ?').run(fresh)
    renameSync(fresh, path)
  } finally {
    db.close()
  }
  return made
}

/** The version of its schema; 0 where there is none. */
export function versionOf(path: string): number {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    return Number(db.prepare('PRAGMA user_version').get()?.user_version)
  } finally {
    db.close()
  }
}

/** What processes left that were killed while they made a file: its name ends with theirs. */
function removeScratch(directory: string): void {
  for (const name of readdirSync(directory)) {
    const pid = /^(?:state\.db(?:\.backup)?|reserve)\.(\d+)$/.exec(name)?.[1]
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(directory, name), { force: true })
  }
}

function find(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}
