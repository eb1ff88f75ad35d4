/** `mkdir -p`, for places that users name. */
import { mkdirSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf } from '../../diagnostic.ts'

/**
 * Makes a directory and the parents that it lacks, all of this mode (less the umask); one that is there stays as it is.
 * Fails as mkdir(2) does. The recursive one of Node.js never ends, and cannot be interrupted, where a directory that is
 * there answers ENOENT, as those of /proc do.
 */
export function makeDirectory(path: string, mode: number): void {
  if (find(path)?.isDirectory()) return
  const parent = dirname(path)
  if (!find(parent)) makeDirectory(parent, mode)
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    // Another command may have made it just now.
    if (errnoOf(error) !== 'EEXIST' || !find(path)?.isDirectory()) throw error
  }
}

function find(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}
