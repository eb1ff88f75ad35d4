/** Whose turn it is to end a container: one process's, and one part of it, at a time. */
import { closeSync, openSync } from 'node:fs'
import { errnoOf } from '../../diagnostic.ts'
import { tryLock } from '../sys/libc.ts'

const NOTHING: Disposable = { [Symbol.dispose]() {} }

/** A lock in the container's bundle. The kernel lets go of it when its holder ends; of a bundle that is gone nothing is left to be ended. */
export function stopTurn(bundle: string): Disposable | undefined {
  let fd: number
  try {
    fd = openSync(`${bundle}/stopping`, 'a', 0o600)
  } catch (error) {
    // On a full disk, too, containers can be ended.
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOSPC') return NOTHING
    throw error
  }
  if (tryLock(fd)) return { [Symbol.dispose]: () => closeSync(fd) }
  closeSync(fd)
  return undefined
}
