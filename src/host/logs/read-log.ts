/** Reading a container's log file: from its end, from a time, and on as it grows. */
import { existsSync, watch } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { errnoOf } from '../../diagnostic.ts'
import { execFailureOf, type LogEntry, parseLogLine } from '../../status/cri-log.ts'

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

/** Entries in the file's order, as many at a time as one read brings. A file that is not there has none, unless it comes while it is followed. */
export async function* readLog(
  path: string,
  options: ReadLogOptions = {},
): AsyncGenerator<readonly LogEntry[], void, undefined> {
  using growth = options.until === undefined ? undefined : watchGrowth(path, options.until, options.signal)
  const file = await openWhenThere(path, growth)
  if (!file) return
  try {
    let position = options.tail === undefined ? 0 : await tailOffset(file, options.tail)
    let isStart = position === 0
    let rest = Buffer.alloc(0)
    for (;;) {
      // Before reading: what is written from here on is another growth.
      const isLast = growth?.isOver() ?? true
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, position)
      if (options.signal?.aborted) return
      if (bytesRead === 0) {
        if (isLast) return
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
  } finally {
    await file.close()
  }
}

function isSince(entry: LogEntry, sinceMs: number | undefined): boolean {
  return sinceMs === undefined || Date.parse(entry.time) >= sinceMs
}

async function openWhenThere(path: string, growth: Growth | undefined): Promise<FileHandle | undefined> {
  for (;;) {
    const isLast = growth?.isOver() ?? true
    try {
      return await open(path, 'r')
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
      if (isLast) return undefined
      await growth?.next()
    }
  }
}

/** Where the last `lines` whole lines begin. Parts of a line belong to the line they are followed by. */
async function tailOffset(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat()
  if (lines <= 0) return size
  let seen = 0
  let after = Buffer.alloc(0)
  // `after` begins with a line whose beginning lies before it.
  for (let position = size; position > 0; ) {
    const length = Math.min(CHUNK_BYTES, position)
    position -= length
    const chunk = Buffer.allocUnsafe(length)
    await file.read(chunk, 0, length, position)
    const text = Buffer.concat([chunk, after])
    let end = text.length
    for (let feed = lastFeed(text, end - 1); feed >= 0; feed = lastFeed(text, feed)) {
      // What the container has not finished yet is a line as well.
      const isLine = position + end === size || isFullLine(text.subarray(feed + 1, end))
      if (isLine && ++seen > lines) return position + end
      end = feed + 1
    }
    after = text.subarray(0, end)
    if (position === 0) return seen >= lines && isFullLine(after) ? end : 0
  }
  return 0
}

function lastFeed(text: Buffer, before: number): number {
  return before <= 0 ? -1 : text.lastIndexOf(LINE_FEED, before - 1)
}

function isFullLine(line: Buffer): boolean {
  return parseLogLine(line.subarray(0, line.at(-1) === LINE_FEED ? -1 : undefined))?.isFull === true
}

interface Growth extends Disposable {
  /** Whether the writer has ended. */
  isOver(): boolean
  /** Resolves at the next change, at the end, or at once when one was missed. */
  next(): Promise<void>
}

/** How often a file is looked at besides its events, in milliseconds: its directory may be made later than the watch. */
const LOOK_MS = 500

function watchGrowth(path: string, until: Promise<void>, signal: AbortSignal | undefined): Growth {
  let over = false
  let changed = false
  let wake: (() => void) | undefined
  const stir = () => {
    changed = true
    wake?.()
  }
  const directory = path.slice(0, path.lastIndexOf('/'))
  const watcher = existsSync(directory) ? watch(directory, { persistent: false }, stir).on('error', stir) : undefined
  const timer = setInterval(stir, LOOK_MS)
  const end = () => {
    over = true
    stir()
  }
  signal?.addEventListener('abort', end)
  until.then(end, end)
  return {
    isOver: () => over,
    next() {
      return new Promise(resolve => {
        wake = () => {
          wake = undefined
          changed = false
          resolve()
        }
        if (changed) wake()
      })
    },
    [Symbol.dispose]() {
      watcher?.close()
      clearInterval(timer)
      signal?.removeEventListener('abort', end)
    },
  }
}
