/**
 * Room on the disk that is kept for removals: deleting records takes some, and what fills a disk is often in a pod that is to
 * be taken away.
 */
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { freeBytes } from '../sys/free-space.ts'

/** More than a large removal adds to the database's log. */
const RESERVE_BYTES = 1024 * 1024
/** Where less is free, nothing is kept. */
const FREE_BYTES = 8 * RESERVE_BYTES

/** Keeps the room, if that is not done yet and there is enough. */
export function keepReserve(path: string): void {
  if (existsSync(path) || freeBytes(dirname(path)) < FREE_BYTES) return
  const fresh = `${path}.${process.pid}`
  try {
    writeFileSync(fresh, Buffer.alloc(RESERVE_BYTES, 'kube'), { mode: 0o600 })
    renameSync(fresh, path)
  } catch {
    rmSync(fresh, { force: true })
  }
}

/** Gives the room back where nothing else is left. Returns whether it did. */
export function releaseReserve(path: string): boolean {
  if (!existsSync(path) || freeBytes(dirname(path)) >= RESERVE_BYTES) return false
  rmSync(path, { force: true })
  return true
}
