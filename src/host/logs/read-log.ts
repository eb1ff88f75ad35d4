/** Reading a container's log: from its end, from a time, and on as it grows. */
import { type FileHandle, open } from 'node:fs/promises'
import { errnoOf } from '../../diagnostic.ts'
import { execFailureOf, type LogEntry, parseLogLine } from '../../status/cri-log.ts'
import { watchGrowth } from './growth.ts'
import { currentLog, identityOfLog, type LogFile, logFiles } from './log-files.ts'
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
  await using opened = new AsyncDisposableStack()
  let files = await openFiles(path, read, opened)
  let { index, position } = await startOf(files, options)
  let isStart = index === 0 && position === 0
  for (;;) {
    // Before looking: what is written from here on is another growth.
    const isLast = growth?.isOver() ?? true
    if (index >= files.length) {
      files = await openFiles(path, read, opened)
      index = 0
    }
    const next = files[index++]
    if (!next) {
      if (isLast) return
      await growth?.next()
      if (options.signal?.aborted) return
      continue
    }
    await using file = next.handle
    const { identity } = next
    for (const { identity: behind } of files.slice(0, index)) read.add(behind)
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

/** All files after the last one that was read, oldest first. */
async function openFiles(
  path: string,
  read: ReadonlySet<string>,
  opened: AsyncDisposableStack,
): Promise<readonly OpenLogFile[]> {
  for (;;) {
    const files = logFiles(path)
    const next = files.slice(files.findLastIndex(({ identity }) => read.has(identity)) + 1)
    const handles = await Promise.all(next.map(openIfThere))
    const identities = await Promise.all(handles.map(async handle => handle && identityOfOpen(handle)))
    // Another file was begun in between: the one that was meant has only its second name now.
    const isMixed = next.some(({ identity }, at) => identities[at] !== undefined && identities[at] !== identity)
    if (isMixed) await Promise.all(handles.map(handle => handle?.close()))
    else return next.flatMap((file, at) => (handles[at] ? { ...file, handle: opened.use(handles[at]) } : []))
  }
}

async function identityOfOpen(handle: FileHandle): Promise<string> {
  return identityOfLog(await handle.stat({ bigint: true }))
}

async function openIfThere({ path }: LogFile): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    return undefined
  }
}

interface Start {
  /** Of the file. */
  readonly index: number
  readonly position: number
}

/** Where the last lines begin, or the first file that can hold something of the time. */
async function startOf(files: readonly OpenLogFile[], { tail, sinceMs = 0 }: ReadLogOptions): Promise<Start> {
  if (tail !== undefined) return tailStart(files, tail)
  const index = files.findIndex(({ modifiedMs }) => modifiedMs >= sinceMs)
  return { index: index < 0 ? Math.max(0, files.length - 1) : index, position: 0 }
}

function isSince(entry: LogEntry, sinceMs: number | undefined): boolean {
  return sinceMs === undefined || Date.parse(entry.time) >= sinceMs
}
