/** Waiting for something of a state root to change: the records, a container's end, a pod's directory. */
import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Layout } from '../host/layout.ts'
import { namesIn, type Snapshot, timesOf, type Watch, watchPath } from '../host/sys/watch.ts'

/** Changes come in bunches: one look for all of them, in milliseconds. */
const SETTLE_MS = 30
/** A look without any event, in milliseconds: a directory may be made after the watch. */
const LOOK_MS = 1_000
/** How often the directories are read where the kernel has no watch left, in milliseconds. */
const POLL_MS = 100

export interface ChangeWatch extends Disposable {
  /** Resolves some milliseconds after the next change, or after a second; `false` at the signal. */
  next(signal: AbortSignal): Promise<boolean>
}

export function watchChanges(layout: Layout): ChangeWatch {
  const watchers = new Map<string, Watch>()
  let changed = false
  let wake: (() => void) | undefined
  const stir = () => {
    changed = true
    wake?.()
  }
  const watchAll = () => {
    const records = layout.database.slice(layout.root.length + 1)
    const looks: Readonly<Record<string, () => Snapshot>> = {
      [layout.root]: () => timesOf(layout.root, [records, `${records}-wal`]),
      [layout.exitsDir]: () => namesIn(layout.exitsDir),
    }
    for (const [directory, snapshot] of Object.entries(looks)) {
      if (watchers.has(directory) || !existsSync(directory)) continue
      watchers.set(directory, watchPath(directory, { snapshot, pollMs: POLL_MS, onChange: stir }))
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
      for (const watcher of watchers.values()) watcher[Symbol.dispose]()
    },
  }
}
