/** Exclusion between `kube` processes. */
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import { tryLock } from './libc.ts'

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

function openLock(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    return openSync(path, 'a', 0o600)
  } catch (cause) {
    const code = errnoOf(cause)
    if (code !== 'EROFS' && code !== 'EACCES' && code !== 'EPERM') throw cause
    const reason = code === 'EROFS' ? 'is on a read-only file system' : 'is closed to this user'
    throw new KubeError(code === 'EROFS' ? 'ReadOnly' : 'NotPermitted', `${dirname(path)} ${reason}`, {
      cause,
      hint: 'choose another directory with --runroot',
    })
  }
}
