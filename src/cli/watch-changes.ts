/** Waiting for something of a state root to change: the records, a container's end, a pod's directory. */
import { existsSync, type FSWatcher, watch } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Layout } from '../host/layout.ts'

/** Changes come in bunches: one look for all of them, in milliseconds. */
const SETTLE_MS = 30
/** A look without any event, in milliseconds: a directory may be made after the watch. */
const LOOK_MS = 1_000

export interface ChangeWatch extends Disposable {
  /** Resolves some milliseconds after the next change, or after a second; `false` at the signal. */
  next(signal: AbortSignal): Promise<boolean>
}

export function watchChanges(layout: Layout): ChangeWatch {
  const watchers = new Map<string, FSWatcher>()
  let changed = false
  let wake: (() => void) | undefined
  const stir = () => {
    changed = true
    wake?.()
  }
  const watchAll = () => {
    for (const directory of [layout.root, layout.exitsDir]) {
      if (watchers.has(directory) || !existsSync(directory)) continue
      watchers.set(directory, watch(directory, { persistent: false }, stir).on('error', stir))
    }
  }
  watchAll()
  return {
    async next(signal) {
      if (signal.aborted) return false
      watchAll()
      if (!changed) {
        const abort = new AbortController()
        const awoken = new Promise<void>(resolve => {
          wake = resolve
        })
        const both = AbortSignal.any([signal, abort.signal])
        await Promise.race([awoken, delay(LOOK_MS, undefined, { signal: both }).catch(() => {})])
        abort.abort()
        wake = undefined
      }
      if (!signal.aborted) await delay(SETTLE_MS, undefined, { signal }).catch(() => {})
      changed = false
      return !signal.aborted
    },
    [Symbol.dispose]() {
      for (const watcher of watchers.values()) watcher.close()
    },
  }
}
