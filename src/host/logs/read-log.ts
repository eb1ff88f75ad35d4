/** Reading a container's log: from its end, from a time, and on as it grows. */
import { execFailureOf, type LogEntry, parseLogLine } from '../../status/cri-log.ts'
import { watchGrowth } from './growth.ts'
import { currentLog, logFiles } from './log-files.ts'
import { openLog } from './open-log.ts'
import { type OpenLogFile, tailStart } from './tail-start.ts'

export interface ReadLogOptions {
  /** Only the last so many lines. Default all. */
  readonly tail?: number
  /** Only entries of this time (milliseconds since 1970) or later. */
  readonly sinceMs?: number
  /** Goes on with what is written later, until it resolves: then what is left is read, and no more. */
  readonly until?: Promise<void>
  readonly signal?: AbortSignal
}

const CHUNK_BYTES = 64 * 1024
const LINE_FEED = 10

/**
 * Entries in the order in which they were written, as many at a time as one read brings, from all files of the log that are
 * kept. A log that is not there has none, unless it comes while it is followed.
 */
export async function* readLog(
  path: string,
  options: ReadLogOptions = {},
): AsyncGenerator<readonly LogEntry[], void, undefined> {
  using growth = options.until === undefined ? undefined : watchGrowth(path, options.until, options.signal)
  /** Identities of the files that are behind. */
  const read = new Set<string>()
  // Opened now, they can be read to their end whoever takes them away meanwhile.
  using opened = new DisposableStack()
  let files = openFiles(path, read, opened)
  let { index, position } = startOf(files, options)
  let isStart = index === 0 && position === 0
  for (;;) {
    // Before looking: what is written from here on is another growth.
    const isLast = growth?.isOver() ?? true
    if (index >= files.length) {
      files = openFiles(path, read, opened)
      index = 0
    }
    const next = files[index++]
    if (!next) {
      if (isLast) return
      await growth?.next()
      if (options.signal?.aborted) return
      continue
    }
    using file = next.file
    const { identity } = next
    for (const { identity: behind } of files.slice(0, index)) read.add(behind)
    let rest = Buffer.alloc(0)
    for (;;) {
      const isOver = growth?.isOver() ?? true
      const isReplaced = currentLog(path)?.identity !== identity
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
      const bytesRead = file.read(chunk, position)
      if (options.signal?.aborted) return
      if (bytesRead === 0) {
        if (isReplaced) break
        if (isOver) return
        await growth?.next()
        continue
      }
      position += bytesRead
      rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)])
      const entries: LogEntry[] = []
      let start = 0
      for (let end = rest.indexOf(LINE_FEED); end >= 0; end = rest.indexOf(LINE_FEED, start)) {
        const entry = parseLogLine(rest.subarray(start, end))
        start = end + 1
        // What the OCI runtime wrote there is in the container's state.
        const isForeign = isStart && entry !== undefined && execFailureOf(entry) !== undefined
        isStart = false
        if (entry && !isForeign && isSince(entry, options.sinceMs)) entries.push(entry)
      }
      if (entries.length > 0) yield entries
      rest = rest.subarray(start)
      // A signal, or another log, may want something meanwhile.
      if (bytesRead === CHUNK_BYTES) await new Promise<void>(resolve => setImmediate(resolve))
    }
    position = 0
  }
}

/** All files after the last one that was read, oldest first. */
function openFiles(path: string, read: ReadonlySet<string>, opened: DisposableStack): readonly OpenLogFile[] {
  for (;;) {
    const files = logFiles(path)
    const next = files.slice(files.findLastIndex(({ identity }) => read.has(identity)) + 1)
    const found = next.map(({ path }) => openLog(path))
    // Another file was begun in between: the one that was meant has only its second name now.
    const isMixed = next.some(({ identity }, at) => found[at] !== undefined && found[at].identity !== identity)
    if (isMixed) for (const file of found) file?.[Symbol.dispose]()
    else return next.flatMap((file, at) => (found[at] ? { ...file, file: opened.use(found[at]) } : []))
  }
}

interface Start {
  /** Of the file. */
  readonly index: number
  readonly position: number
}

/** Where the last lines begin, or the first file that can hold something of the time. */
function startOf(files: readonly OpenLogFile[], { tail, sinceMs = 0 }: ReadLogOptions): Start {
  if (tail !== undefined) return tailStart(files, tail)
  const index = files.findIndex(({ modifiedMs }) => modifiedMs >= sinceMs)
  return { index: index < 0 ? Math.max(0, files.length - 1) : index, position: 0 }
}

function isSince(entry: LogEntry, sinceMs: number | undefined): boolean {
  return sinceMs === undefined || Date.parse(entry.time) >= sinceMs
}
