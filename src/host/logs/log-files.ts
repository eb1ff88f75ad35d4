/**
 * The files of one run's log. The run's monitor writes to `ATTEMPT.log`; the same file has a second name, `ATTEMPT.log.SERIAL`,
 * by which it stays when the monitor begins another one, whoever asked it to.
 */
import { type BigIntStats, linkSync, rmSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { errnoOf } from '../../diagnostic.ts'
import { namesIn } from '../sys/names-in.ts'

export interface LogFile {
  readonly path: string
  /** Tells it from a later file of the same name or the same number. */
  readonly identity: string
  readonly sizeBytes: number
  /** When it was last written to, in milliseconds since 1970. */
  readonly modifiedMs: number
}

/** What a log may come to before another file is begun. Source: KubeletConfiguration, containerLogMaxSize, 10Mi. */
export const LOG_FILE_BYTES = 10 * 1024 * 1024
/** With the one that is written to. Source: KubeletConfiguration, containerLogMaxFiles, 5. */
const LOG_FILES = 5
const ROTATED_BYTES = (LOG_FILES - 1) * LOG_FILE_BYTES
/** Where the monitor itself begins another file, when nobody has looked at the log: all that a kubelet would keep. */
export const UNWATCHED_BYTES = LOG_FILES * LOG_FILE_BYTES

/** Oldest first, each once. Empty when the run has no log. */
export function logFiles(path: string): readonly LogFile[] {
  const current = look(path)
  const kept = serials(path)
    .map(serial => look(`${path}.${serial}`))
    .filter(file => file !== undefined)
  return current ? [...kept.filter(({ identity }) => identity !== current.identity), current] : kept
}

/** Of the file that the monitor writes to now; undefined while there is none. */
export function currentLog(path: string): (LogFile & { readonly isKept: boolean }) | undefined {
  return look(path)
}

export function identityOfLog({ ino, birthtimeNs }: Pick<BigIntStats, 'ino' | 'birthtimeNs'>): string {
  return `${ino}:${birthtimeNs}`
}

/** Gives the current file its second name, and takes away what is beyond what a kubelet keeps. */
export function keepLog(path: string): void {
  const current = look(path)
  if (!current || current.isKept) return
  const serial = (serials(path).at(-1) ?? 0) + 1
  try {
    linkSync(path, `${path}.${serial}`)
  } catch (error) {
    // Another command was faster, or the pod is being removed.
    if (errnoOf(error) !== 'EEXIST' && errnoOf(error) !== 'ENOENT') throw error
  }
  prune(path)
}

/** What is left always holds as much as a kubelet would have kept. */
function prune(path: string): void {
  const rotated = logFiles(path).slice(0, -1)
  let bytes = rotated.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  for (const file of rotated) {
    bytes -= file.sizeBytes
    if (bytes < ROTATED_BYTES) return
    rmSync(file.path, { force: true })
  }
}

export function removeLog(path: string): void {
  for (const name of [...serials(path).map(serial => `.${serial}`), '.asked', ''])
    rmSync(`${path}${name}`, { force: true })
}

/** Rising. */
function serials(path: string): readonly number[] {
  const prefix = `${basename(path)}.`
  return namesIn(dirname(path))
    .filter(name => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map(name => Number(name.slice(prefix.length)))
    .toSorted((a, b) => a - b)
}

function look(path: string): (LogFile & { readonly isKept: boolean }) | undefined {
  const stats = statSync(path, { throwIfNoEntry: false, bigint: true })
  return (
    stats && {
      path,
      identity: identityOfLog(stats),
      sizeBytes: Number(stats.size),
      modifiedMs: Number(stats.mtimeMs),
      isKept: stats.nlink > 1n,
    }
  )
}
