/** Waiting for a file to grow. */
import { existsSync, watch } from 'node:fs'

export interface Growth extends Disposable {
  /** Whether the writer has ended. */
  isOver(): boolean
  /** Resolves at the next change, at the end, or at once when one was missed. */
  next(): Promise<void>
}

/** How often a file is looked at besides its events, in milliseconds: its directory may be made later than the watch. */
const LOOK_MS = 500

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
  const watcher = existsSync(directory) ? watch(directory, { persistent: false }, stir).on('error', stir) : undefined
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
      watcher?.close()
      clearInterval(timer)
      signal?.removeEventListener('abort', end)
    },
  }
}
