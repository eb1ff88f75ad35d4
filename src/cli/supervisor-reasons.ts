/** Why the supervisor lives, in a file for whoever asks. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { Layout } from '../host/layout.ts'

/** What `kube system info` shows. */
export interface SupervisorReasons {
  /** RFC 3339. */
  readonly since: string
  /** One for each pod's probe, restart or deadline; the first of them where there are many. */
  readonly reasons: readonly string[]
  /** Of all of them. */
  readonly total: number
}

/** Reasons that are written down. */
const SHOWN = 100
/** They change with every step of every pod: the file follows at its own pace, in milliseconds. */
const PACE_MS = 200

export interface ReasonsFile extends Disposable {
  readonly note: (reasons: readonly string[]) => void
}

/** Disposing of it takes the file away. */
export function openReasons(layout: Layout): ReasonsFile {
  const since = new Date().toISOString()
  let latest: readonly string[] = []
  let written = ''
  let timer: NodeJS.Timeout | undefined

  function write(): void {
    timer = undefined
    const content: SupervisorReasons = { since, reasons: latest.slice(0, SHOWN), total: latest.length }
    const text = `${JSON.stringify(content)}\n`
    if (text === written) return
    written = text
    const fresh = `${layout.supervisorReasons}.new`
    writeFileSync(fresh, text, { mode: 0o600 })
    renameSync(fresh, layout.supervisorReasons)
  }

  return {
    note(reasons) {
      latest = reasons
      if (written === '') write()
      timer ??= setTimeout(write, PACE_MS).unref()
    },
    [Symbol.dispose]() {
      clearTimeout(timer)
      rmSync(layout.supervisorReasons, { force: true })
    },
  }
}

/** Undefined when none is written. */
export function readReasons(layout: Layout): SupervisorReasons | undefined {
  try {
    return JSON.parse(readFileSync(layout.supervisorReasons, 'utf8')) as SupervisorReasons
  } catch {
    return undefined
  }
}
