/** Room on disks. */
import { statfsSync } from 'node:fs'

/** Bytes that an ordinary user may still write to the disk that holds this path. Source: statfs(2), f_bavail. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path)
  return bavail * bsize
}
