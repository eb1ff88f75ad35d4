/**
 * Telling of changes of files. By inotify, of which a user has 128 instances by default (fs.inotify.max_user_instances), one for
 * each process, and with cgroup version 2 one for each conmon as well: from about 120 containers on there is none left. So where the
 * kernel has none, or takes it away, it is looked at often enough. Nothing else in kube watches files.
 */
import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'

/** What is there: names, and for each what is another one after a change. */
export type Snapshot = ReadonlyMap<string, string>

export interface WatchOptions {
  /** What to look at where there is no watch: `namesIn`, `timesOf`. */
  readonly snapshot: () => Snapshot
  /** Milliseconds between two looks where there is no watch. */
  readonly pollMs: number
  /** Told the name of what changed, relative to the directory; null where that is not known. */
  readonly onChange: (name: string | null) => void
  /** Keeps the process alive. Default false. */
  readonly persistent?: boolean
  /** All that is below the directory. Default false. */
  readonly recursive?: boolean
}

export interface Watch extends Disposable {
  /** Whether the kernel tells of changes; otherwise they are found by looking. */
  isWatching(): boolean
}

/** Never fails: what cannot be watched, or is not there yet, is looked at. */
export function watchPath(path: string, options: WatchOptions): Watch {
  const { onChange, persistent = false, recursive = false } = options
  let watcher: FSWatcher | undefined
  let polling: Disposable | undefined
  const poll = () => {
    watcher?.close()
    watcher = undefined
    polling ??= startPolling(options)
  }
  try {
    watcher = watch(path, { persistent, recursive }, (_event, name) => onChange(name))
    watcher.on('error', () => {
      poll()
      // Something may have changed in between.
      onChange(null)
    })
  } catch {
    poll()
  }
  return {
    isWatching: () => watcher !== undefined,
    [Symbol.dispose]() {
      watcher?.close()
      watcher = undefined
      polling?.[Symbol.dispose]()
      polling = undefined
    },
  }
}

function startPolling({ snapshot, pollMs, onChange, persistent }: WatchOptions): Disposable {
  let before = snapshot()
  /** They are told of once more: who makes a file writes into it after its name is there. */
  let fresh: readonly string[] = []
  const timer = setInterval(() => {
    const now = snapshot()
    const changed = new Set(fresh)
    for (const [name, version] of now) if (before.get(name) !== version) changed.add(name)
    fresh = [...now.keys()].filter(name => !before.has(name))
    for (const name of before.keys()) if (!now.has(name)) changed.add(name)
    before = now
    for (const name of changed) onChange(name)
  }, pollMs)
  if (persistent !== true) timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** The names in a directory: one call, however many there are. */
export function namesIn(directory: string): Snapshot {
  try {
    return new Map(readdirSync(directory).map(name => [name, '']))
  } catch {
    return new Map()
  }
}

/** When each of some files of a directory, by default of all that is below it, was written last. */
export function timesOf(directory: string, names?: readonly string[]): Snapshot {
  const found = names ?? everyName(directory)
  return new Map(found.map(name => [name, timeOf(join(directory, name))]))
}

function everyName(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' })
  } catch {
    return []
  }
}

function timeOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true })
  return found === undefined ? '' : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`
}
