/** `kube play --watch`: plays again whenever a manifest file is saved. */
import { type FSWatcher, statSync, watch } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { KubeError } from '../diagnostic.ts'
import type { Context } from './context.ts'
import { renderError } from './render.ts'

/** Saving a file is several events: one play for all of them, in milliseconds. */
const SETTLE_MS = 100

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
  const watchers = paths.map(path => watchPath(path, stir))
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
    for (const watcher of watchers) watcher.close()
  }
}

/** A file's directory is watched: many editors replace the file. */
function watchPath(path: string, stir: () => void): FSWatcher {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return watch(path, { recursive: true }, stir)
  const name = basename(path)
  return watch(dirname(path), (_event, file) => {
    if (file === null || file === name) stir()
  })
}
