/** `kube play --watch`: plays again whenever a manifest file is saved. */
import { statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { KubeError } from '../diagnostic.ts'
import { timesOf, type Watch, watchPath } from '../host/sys/watch.ts'
import type { Context } from './context.ts'
import { renderError } from './render.ts'

/** Saving a file is several events: one play for all of them, in milliseconds. */
const SETTLE_MS = 100
/** How often files are looked at where the kernel has no watch left, in milliseconds. */
const POLL_MS = 300

/** Until the signal. A manifest that is wrong is told, and changes nothing. */
export async function watchFiles(
  files: readonly string[],
  again: () => Promise<unknown>,
  { io, signal }: Context,
): Promise<number> {
  const paths = files.filter(file => file !== '-' && !/^https?:\/\//.test(file)).map(file => resolve(io.cwd, file))
  if (paths.length === 0) throw new KubeError('Usage', '--watch: there is no file to be watched', { exitStatus: 2 })
  let wake: () => void = () => {}
  let changed = false
  const stir = () => {
    changed = true
    wake()
  }
  const watchers = paths.map(path => watchManifest(path, stir))
  signal.addEventListener('abort', stir)
  try {
    while (!signal.aborted) {
      if (!changed) {
        await new Promise<void>(done => {
          wake = done
        })
      }
      if (signal.aborted) break
      await delay(SETTLE_MS)
      changed = false
      await again().catch((error: unknown) => io.err(renderError(io, error)))
    }
    return 0
  } finally {
    for (const watcher of watchers) watcher[Symbol.dispose]()
  }
}

/** A file's directory is watched: many editors replace the file. */
function watchManifest(path: string, stir: () => void): Watch {
  const base = { pollMs: POLL_MS, persistent: true }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
    return watchPath(path, { ...base, recursive: true, snapshot: () => timesOf(path), onChange: stir })
  const [directory, name] = [dirname(path), basename(path)]
  return watchPath(directory, {
    ...base,
    snapshot: () => timesOf(directory, [name]),
    onChange(file) {
      if (file === null || file === name) stir()
    },
  })
}
