/**
 * Reading what others write into a pipe, a socket or a terminal. The streams and sockets of Node.js take a command longer to
 * load than most of that takes to come. One thread of the pool waits for all of it. Source: poll(2), epoll(7).
 */
import { closeSync, readSync } from 'node:fs'
import { errnoOf } from '../../diagnostic.ts'
import { callInPool, library, systemError } from './foreign.ts'

const call = library('libc.so.6')

/** struct pollfd: an int and two shorts. */
const POLL_BYTES = 8
const POLLIN = 1
/** struct epoll_event: only on x86-64 is it packed. */
const EVENT_BYTES = process.arch === 'x64' ? 12 : 16
const DATA_OFFSET = EVENT_BYTES - 8
const EPOLLIN = 1
const EPOLL_CLOEXEC = 0o2000000
const EPOLL_CTL_ADD = 1
const EPOLL_CTL_DEL = 2

/** How many that have something are told of at a time. */
const EVENTS = 16
/** A process that exits waits for the threads of its pool: none may wait for longer, in milliseconds. */
const WAIT_MS = 100
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
    await readable(fd)
    try {
      return bytes.subarray(0, readSync(fd, bytes))
    } catch (error) {
      // Another process that has it open was faster.
      if (errnoOf(error) !== 'EAGAIN') throw error
    }
  }
}

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const waiting = new Map<number, Waiting>()
let epoll: number | undefined
let isWatching = false

/** Resolves when reading would not have to wait: there is something, or the end. Asked once at a time for each. */
export async function readable(fd: number): Promise<void> {
  if (isReadable(fd)) return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // Whom it is added to while a thread waits there, it wakes as well.
  control(EPOLL_CTL_ADD, fd)
  waiting.set(fd, { resolve, reject })
  if (!isWatching) void watch()
  return promise
}

function isReadable(fd: number): boolean {
  const asked = Buffer.alloc(POLL_BYTES)
  asked.writeInt32LE(fd, 0)
  asked.writeInt16LE(POLLIN, 4)
  return call('int poll(void *asked, unsigned long count, int milliseconds)')(asked, 1, 0) > 0
}

function control(operation: number, fd: number): void {
  epoll ??= check('epoll_create1', call('int epoll_create1(int flags)')(EPOLL_CLOEXEC))
  const event = Buffer.alloc(EVENT_BYTES)
  event.writeUInt32LE(EPOLLIN, 0)
  event.writeInt32LE(fd, DATA_OFFSET)
  const f = call('int epoll_ctl(int epoll, int operation, int fd, void *event)')
  check('epoll_ctl', f(epoll, operation, fd, event))
}

async function watch(): Promise<void> {
  isWatching = true
  try {
    const events = Buffer.alloc(EVENT_BYTES * EVENTS)
    const ask = call('int epoll_wait(int epoll, void *events, int count, int milliseconds)')
    while (waiting.size > 0) {
      // -1 is EINTR: nothing has come.
      const count = await callInPool(ask, epoll, events, EVENTS, WAIT_MS)
      for (let i = 0; i < count; i++) end(events.readInt32LE(i * EVENT_BYTES + DATA_OFFSET))?.resolve()
    }
  } catch (error) {
    for (const fd of [...waiting.keys()]) end(fd)?.reject(error)
  } finally {
    isWatching = false
  }
}

/** A program that is just being started holds a pipe for a moment longer than this one, and it would be told of still. */
function end(fd: number): Waiting | undefined {
  const ended = waiting.get(fd)
  if (!waiting.delete(fd)) return undefined
  control(EPOLL_CTL_DEL, fd)
  return ended
}

function check(syscall: string, result: number): number {
  if (result >= 0) return result
  throw systemError(syscall, 'pipe')
}
