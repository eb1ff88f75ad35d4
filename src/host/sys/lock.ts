/** Exclusion between `kube` processes. */
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { tryLock } from './libc.ts'

/**
 * Holds a lock file until disposed of. The kernel lets go of it when the process ends, however it ends. flock(2) by the
 * runtime's event loop can't be waited for, so this asks again every few milliseconds; `onWait` is called once, when it
 * is not free at first.
 */
export async function lockFile(path: string, onWait?: () => void): Promise<Disposable> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const fd = openSync(path, 'a', 0o600)
  try {
    for (let pause = 1, waited = false; !tryLock(fd); pause = Math.min(pause * 2, 50)) {
      if (!waited) onWait?.()
      waited = true
      await delay(pause)
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return { [Symbol.dispose]: () => closeSync(fd) }
}
