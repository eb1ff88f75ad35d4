/** Waiting for containers to end: their monitors write exit files into one directory. */
import { mkdirSync, statSync } from 'node:fs'
import { monotonicMs } from '../../engine/monotonic.ts'
import { startTimer } from '../../engine/timer.ts'
import { isAlive } from '../sys/process-identity.ts'
import { namesIn, type Watch, watchPath } from '../sys/watch.ts'

export interface ExitWatch extends Disposable {
  /**
   * Resolves to true when the container's exit file is there, to false after `timeoutMs` (`Infinity`: never) or at the signal. A container whose process is
   * gone without one (its monitor was killed) counts as ended too.
   */
  ended(id: string, identity: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean>
}

/** How often a process without a monitor is looked at, in milliseconds; usually the exit file's event comes first. */
const LOOK_MS = 200
/** Where the kernel has no watch left, how often the directory is read for all who wait, in milliseconds. */
const POLL_MS = 20
/** How long a monitor may take from its container's end to the exit file, in milliseconds. */
const MONITOR_MS = 2_000

export function openExitWatch(directory: string): ExitWatch {
  let watcher: Watch | undefined
  /** Several may wait for one container: who stops it takes the file away right after. */
  const waiting = new Map<string, Set<() => void>>()

  function watchDirectory(): void {
    if (watcher) return
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    watcher = watchPath(directory, {
      // Who has stopped waiting does not read it.
      snapshot: () => (waiting.size === 0 ? new Map() : namesIn(directory)),
      pollMs: POLL_MS,
      onChange(name) {
        const all = name === null ? [...waiting.values()] : [waiting.get(name.split('.')[0]!) ?? []]
        for (const looks of all) for (const look of looks) look()
      },
    })
  }

  return {
    ended(id, identity, timeoutMs, signal) {
      watchDirectory()
      const file = `${directory}/${id}`
      return new Promise(resolve => {
        let goneSince: number | undefined
        const finish = (ended: boolean) => {
          looks.delete(look)
          if (looks.size === 0 && waiting.get(id) === looks) waiting.delete(id)
          timeout?.[Symbol.dispose]()
          clearInterval(interval)
          signal?.removeEventListener('abort', abandon)
          resolve(ended)
        }
        const abandon = () => finish(false)
        const look = () => {
          if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0) return finish(true)
          if (isAlive(identity)) return
          goneSince ??= monotonicMs()
          if (monotonicMs() - goneSince > MONITOR_MS) finish(true)
        }
        const timeout = timeoutMs === Number.POSITIVE_INFINITY ? undefined : startTimer(abandon, timeoutMs)
        const interval = setInterval(look, LOOK_MS)
        signal?.addEventListener('abort', abandon)
        const looks = waiting.get(id) ?? new Set()
        waiting.set(id, looks.add(look))
        if (signal?.aborted) abandon()
        else look()
      })
    },
    [Symbol.dispose]() {
      watcher?.[Symbol.dispose]()
      watcher = undefined
    },
  }
}
