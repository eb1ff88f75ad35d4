/** Finding the last lines of a log without reading the rest. */
import { parseLogLine } from '../../status/cri-log.ts'
import type { LogFile } from './log-files.ts'
import type { OpenLog } from './open-log.ts'

const CHUNK_BYTES = 64 * 1024
const LINE_FEED = 10

export interface OpenLogFile extends LogFile {
  readonly file: OpenLog
}

/** In which of the files, oldest first, the last `lines` lines begin, and where. */
export function tailStart(
  files: readonly OpenLogFile[],
  lines: number,
): { readonly index: number; readonly position: number } {
  const newest = files.length - 1
  if (newest < 0) return { index: 0, position: 0 }
  if (lines <= 0) return { index: newest, position: files[newest]!.sizeBytes }
  let missing = lines
  for (let index = newest; index >= 0; index--) {
    const { offset, seen } = tailOffset(files[index]!.file, missing, index === newest)
    if (seen > missing) return { index, position: offset }
    missing -= seen
  }
  return { index: 0, position: 0 }
}

/**
 * Where the last `lines` lines begin, when `seen` is more; all lines of the file are `seen` otherwise. Parts of a line belong
 * to the line they are followed by, which may be in the next file.
 */
function tailOffset(
  file: OpenLog,
  lines: number,
  isNewest: boolean,
): { readonly offset: number; readonly seen: number } {
  const size = file.sizeBytes()
  let seen = 0
  // What begins with a line whose beginning may lie before it.
  let after = Buffer.alloc(0)
  for (let position = size; position > 0; ) {
    const length = Math.min(CHUNK_BYTES, position)
    position -= length
    const chunk = Buffer.allocUnsafe(length)
    file.read(chunk, position)
    const text = Buffer.concat([chunk, after])
    for (let end = text.length; ; ) {
      const feed = lastFeed(text, end - 1)
      if (feed < 0 && (position > 0 || end === 0)) {
        after = text.subarray(0, end)
        break
      }
      // What the container has not finished yet is a line as well.
      const isLine = (isNewest && position + end === size) || isFullLine(text.subarray(feed + 1, end))
      if (isLine && ++seen > lines) return { offset: position + end, seen }
      end = feed + 1
    }
  }
  return { offset: 0, seen }
}

function lastFeed(text: Buffer, before: number): number {
  return before <= 0 ? -1 : text.lastIndexOf(LINE_FEED, before - 1)
}

function isFullLine(line: Buffer): boolean {
  return parseLogLine(line.subarray(0, line.at(-1) === LINE_FEED ? -1 : undefined))?.isFull === true
}
