/** Waiting for a file to grow. */
import { timesOf, watchPath } from '../sys/watch.ts'

export interface Growth extends Disposable {
  /** Whether the writer has ended. */
  isOver(): boolean
  /** Resolves at the next change, at the end, or at once when one was missed. */
  next(): Promise<void>
}

/** How often a file is looked at besides its events, in milliseconds: its directory may be made later than the watch. */
const LOOK_MS = 500
/** The same where the kernel has no watch left. */
const POLL_MS = 100

/** Until `until` resolves, or the signal. */
export function watchGrowth(path: string, until: Promise<void>, signal: AbortSignal | undefined): Growth {
  let over = false
  let changed = false
  let wake: (() => void) | undefined
  const stir = () => {
    changed = true
    wake?.()
  }
  const directory = path.slice(0, path.lastIndexOf('/'))
  const name = path.slice(directory.length + 1)
  const watcher = watchPath(directory, { snapshot: () => timesOf(directory, [name]), pollMs: POLL_MS, onChange: stir })
  const timer = setInterval(stir, LOOK_MS)
  const end = () => {
    over = true
    stir()
  }
  signal?.addEventListener('abort', end)
  until.then(end, end)
  return {
    isOver: () => over,
    next() {
      return new Promise(resolve => {
        wake = () => {
          wake = undefined
          changed = false
          resolve()
        }
        if (changed) wake()
      })
    },
    [Symbol.dispose]() {
      watcher[Symbol.dispose]()
      clearInterval(timer)
      signal?.removeEventListener('abort', end)
    },
  }
}
