/** Reading a container's log: from its end, from a time, and on as it grows. */
import { type FileHandle, open } from 'node:fs/promises'
import { errnoOf } from '../../diagnostic.ts'
import { execFailureOf, type LogEntry, parseLogLine } from '../../status/cri-log.ts'
import { watchGrowth } from './growth.ts'
import { currentLog, identityOfLog, type LogFile, logFiles } from './log-files.ts'
import { tailStart } from './tail-start.ts'

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
  const files = logFiles(path)
  // Opened now, they can be read to their end whoever takes them away meanwhile.
  await using queue = new AsyncDisposableStack()
  const opened = (await Promise.all(files.map(openIfThere))).map(file => file && queue.use(file))
  const start = await startOf(files, options)
  const waiting = opened.slice(start.index)
  /** Identities of the files that are behind. */
  const read = new Set(files.slice(0, start.index).map(({ identity }) => identity))
  let isStart = start.index === 0 && start.position === 0
  let position = start.position
  for (;;) {
    // Before looking: what is written from here on is another growth.
    const isLast = growth?.isOver() ?? true
    await using file = waiting.length > 0 ? waiting.shift() : await openNext(path, read)
    if (!file && waiting.length > 0) continue
    if (!file) {
      if (isLast) return
      await growth?.next()
      if (options.signal?.aborted) return
      continue
    }
    const identity = identityOfLog(await file.stat({ bigint: true }))
    read.add(identity)
    // One that was taken away meanwhile is not where the last lines begin any more.
    if (identity !== files[start.index]?.identity) position = 0
    let rest = Buffer.alloc(0)
    for (;;) {
      const isOver = growth?.isOver() ?? true
      const isReplaced = currentLog(path)?.identity !== identity
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, position)
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
    }
    position = 0
  }
}

/** The file after the last one that was read. One that is taken away at this moment is passed over. */
async function openNext(path: string, read: ReadonlySet<string>): Promise<FileHandle | undefined> {
  const files = logFiles(path)
  const next = files.slice(files.findLastIndex(({ identity }) => read.has(identity)) + 1)
  for (const one of next) {
    const file = await openIfThere(one)
    if (file) return file
  }
  return undefined
}

async function openIfThere({ path }: LogFile): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

interface Start {
  /** Of the file. */
  readonly index: number
  readonly position: number
}

/** Where the last lines begin, or the first file that can hold something of the time. */
async function startOf(files: readonly LogFile[], { tail, sinceMs = 0 }: ReadLogOptions): Promise<Start> {
  if (tail !== undefined) return tailStart(files, tail)
  const index = files.findIndex(({ modifiedMs }) => modifiedMs >= sinceMs)
  return { index: index < 0 ? Math.max(0, files.length - 1) : index, position: 0 }
}

function isSince(entry: LogEntry, sinceMs: number | undefined): boolean {
  return sinceMs === undefined || Date.parse(entry.time) >= sinceMs
}
