/**
 * Logs that have become long: their monitors are asked to begin another file. Nobody is there to do that all the time, so the
 * supervisor does while it lives, and every command that looks at pods; where nobody looks the monitor does it by itself, later.
 */
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { errnoOf } from '../../diagnostic.ts'
import { monotonicMs } from '../../engine/monotonic.ts'
import { containerId, type Layout } from '../layout.ts'
import { freeBytes } from '../sys/free-space.ts'
import { tryLock } from '../sys/libc.ts'
import { tellMonitor } from '../sys/monitor-control.ts'
import { currentLog, keepLog, LOG_FILE_BYTES } from './log-files.ts'

/** Milliseconds between two looks. Source: KubeletConfiguration, containerLogMonitorInterval. */
export const LOG_LOOK_MS = 10_000
/** Source: conmon, REOPEN_LOGS_EVENT. */
const REOPEN = '2 0 0'
/** How long a monitor may take to begin another file, in milliseconds: it waits for the disk to have the old one. */
const REOPEN_MS = 2_000
/** On a disk with less room nothing is begun anew. */
const FREE_BYTES = 1024 * 1024

/** Looks at the newest log of each container. What goes wrong with one log is no reason to fail. */
export async function rotateLogs(layout: Layout): Promise<void> {
  const due: Promise<void>[] = []
  for (const uid of entries(layout.podsDir)) {
    for (const container of entries(`${layout.podDir(uid)}/logs`)) {
      const attempt = newestAttempt(entries(layout.logDir(uid, container)))
      if (attempt === undefined) continue
      const log = layout.logFile(uid, container, attempt)
      if (!isDue(log)) continue
      due.push(rotate(log, layout.bundleDir(containerId(uid, container, attempt))).catch(() => {}))
    }
  }
  await Promise.all(due)
}

/** Logs without a second name belong to pods whose log has a size of its own. */
function newestAttempt(names: readonly string[]): number | undefined {
  const attempts = names.flatMap(name => /^(\d+)\.log\.\d+$/.exec(name)?.[1] ?? [])
  return attempts.length === 0 ? undefined : Math.max(...attempts.map(Number))
}

function isDue(log: string): boolean {
  const current = currentLog(log)
  return current !== undefined && (!current.isKept || current.sizeBytes >= LOG_FILE_BYTES)
}

async function rotate(log: string, bundle: string): Promise<void> {
  const directory = openSync(log.slice(0, log.lastIndexOf('/')), 'r')
  try {
    // Another command is at it.
    if (!tryLock(directory)) return
    keepLog(log)
    const full = currentLog(log)
    if (!full || full.sizeBytes < LOG_FILE_BYTES) return
    // Asked twice, the monitor would leave a file behind that nobody has given a second name.
    const note = `${log}.asked`
    if (text(note) !== full.identity) {
      // A monitor that cannot make another file gives up, and its container's output with it.
      if (freeBytes(log) < FREE_BYTES) return
      if (!tellMonitor(bundle, REOPEN)) return
      writeFileSync(note, full.identity, { mode: 0o600 })
    }
    const deadline = monotonicMs() + REOPEN_MS
    for (let pause = 1; monotonicMs() < deadline; pause = Math.min(pause * 2, 20)) {
      if (currentLog(log)?.identity !== full.identity) break
      await delay(pause)
    }
    keepLog(log)
  } finally {
    closeSync(directory)
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function entries(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return []
    throw error
  }
}
