/** Standard output and error without the streams of Node.js, which take each command two milliseconds to make. */
import { fstatSync, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { errnoOf } from '../diagnostic.ts'

/** How long to wait for room where whoever made the pipe set it not to block, in milliseconds. */
const ROOM_MS = 2

/**
 * Writes everything, waiting for room as those streams do for terminals, pipes and files. False when nobody reads any
 * more.
 */
export function writeAll(fd: 1 | 2, content: string | Uint8Array): boolean {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at)
    } catch (error) {
      const code = errnoOf(error)
      if (code === 'EPIPE') return false
      if (code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ROOM_MS)
    }
  }
  return true
}

/** Major numbers of devices that are none, /dev/null among them, and that are all terminals. Source: devices.txt of Linux. */
const MEMORY_DEVICES = 1
const [FIRST_PTY, LAST_PTY] = [136, 143]

/** Whether it is a terminal. */
export function isTerminal(fd: number): boolean {
  try {
    const stats = fstatSync(fd)
    if (!stats.isCharacterDevice()) return false
    const major = (stats.rdev >> 8) & 0xfff
    if (major === MEMORY_DEVICES) return false
    // To ask Node.js loads its sockets.
    if (major >= FIRST_PTY && major <= LAST_PTY) return true
    return isatty(fd)
  } catch {
    return false
  }
}
