/** Exclusion between `kube` processes. */
import { closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import { tryLock } from './libc.ts'
import { makeDirectory } from './make-directory.ts'

/**
 * Holds a lock file until disposed of. The kernel lets go of it when the process ends, however it ends. flock(2) by the
 * runtime's event loop can't be waited for, so this asks again every few milliseconds; `onWait` is called each time
 * that it is not free.
 */
export async function lockFile(path: string, onWait?: () => void): Promise<Disposable> {
  const fd = openLock(path)
  try {
    for (let pause = 1; !tryLock(fd); pause = Math.min(pause * 2, 50)) {
      onWait?.()
      await delay(pause)
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return { [Symbol.dispose]: () => closeSync(fd) }
}

/** The same where nobody has it for more than a moment, for code that cannot wait: it holds this thread. */
export function lockNow(path: string): Disposable {
  const fd = openLock(path)
  try {
    for (let pause = 1; !tryLock(fd); pause = Math.min(pause * 2, 20)) sleepNow(pause)
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return { [Symbol.dispose]: () => closeSync(fd) }
}

function sleepNow(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

const closed = ['NotPermitted', 'is closed to this user'] as const
const impossible = ['StateUnusable', 'cannot be made'] as const

/** Why there can be no file for it: the code and the words of the error. */
const REASONS: Readonly<Record<string, readonly [string, string]>> = {
  EROFS: ['ReadOnly', 'is on a read-only file system'],
  EACCES: closed,
  EPERM: closed,
  ENOENT: impossible,
  ENOTDIR: impossible,
  EEXIST: impossible,
}

function openLock(path: string): number {
  try {
    makeDirectory(dirname(path), 0o700)
    return openSync(path, 'a', 0o600)
  } catch (cause) {
    const code = errnoOf(cause)
    const [name, reason] = (code && REASONS[code]) || []
    if (name === undefined) throw cause
    throw new KubeError(name, `${dirname(path)} ${reason}`, { cause, hint: 'choose another directory with --runroot' })
  }
}
