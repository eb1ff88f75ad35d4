/** flock(2) on a file of its own: who holds it is alive, because the kernel lets go of it with the process. */
import { closeSync, fstatSync, openSync, statSync, unlinkSync } from 'node:fs'
import { tryLock } from '../sys/libc.ts'

/** A file that is locked while this process lives and holds it. */
export class HeldLock implements Disposable {
  readonly #fd: number
  readonly #path: string

  private constructor(fd: number, path: string) {
    this.#fd = fd
    this.#path = path
  }

  /** Undefined when another holder has it. */
  static take(path: string): HeldLock | undefined {
    for (;;) {
      const fd = openSync(path, 'a', 0o600)
      if (!tryLock(fd)) {
        closeSync(fd)
        return undefined
      }
      // The holder before may have removed the file between our open and our lock.
      const there = statSync(path, { throwIfNoEntry: false })
      if (there?.ino === fstatSync(fd).ino) return new HeldLock(fd, path)
      closeSync(fd)
    }
  }

  [Symbol.dispose](): void {
    unlinkSync(this.#path)
    closeSync(this.#fd)
  }
}
