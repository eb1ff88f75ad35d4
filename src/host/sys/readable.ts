/** Reading what others write into a pipe, a socket or a terminal, without the streams of Node.js. */
import { closeSync, readSync } from 'node:fs'
import { errnoOf } from '../../diagnostic.ts'
import { READABLE, ready } from './readiness.ts'

/** What a pipe holds. */
const READ_BYTES = 65_536

/** All that comes until the end, which a file has at once. */
export async function readToEnd(fd: number): Promise<Buffer> {
  const read: Buffer[] = []
  for (;;) {
    const bytes = await readSome(fd)
    if (bytes.length === 0) return Buffer.concat(read)
    read.push(bytes)
  }
}

/** The first line that comes through a pipe, with its end, or '' when the pipe ends before; closes it. */
export async function firstLine(fd: number): Promise<string> {
  try {
    let read = Buffer.alloc(0)
    for (;;) {
      const bytes = await readSome(fd)
      read = Buffer.concat([read, bytes])
      const end = read.indexOf('\n')
      if (end >= 0 || bytes.length === 0) return read.toString('utf8', 0, end + 1)
    }
  } finally {
    closeSync(fd)
  }
}

/** What is there, once there is something; nothing at the end. */
async function readSome(fd: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(READ_BYTES)
  for (;;) {
    await ready(fd, READABLE)
    try {
      return bytes.subarray(0, readSync(fd, bytes))
    } catch (error) {
      // Another process that has it open was faster.
      if (errnoOf(error) !== 'EAGAIN') throw error
    }
  }
}
