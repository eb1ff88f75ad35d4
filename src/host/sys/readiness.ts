/**
 * Waiting for descriptors. The streams and sockets of Node.js take a command longer to load than most of what it waits for
 * takes to come. One thread of the pool waits for all of them. Source: poll(2), epoll(7).
 */
import { callInPool, library, systemError } from './foreign.ts'

const call = library('libc.so.6')

/** What to wait for; `BROKEN` is reported with the others too: nobody is at the other end any more. Source: poll.h. */
export const READABLE = 1
export const WRITABLE = 4
export const BROKEN = 0

/** struct pollfd: an int and two shorts. */
const POLL_BYTES = 8
/** struct epoll_event: only on x86-64 is it packed. */
const EVENT_BYTES = process.arch === 'x64' ? 12 : 16
const DATA_OFFSET = EVENT_BYTES - 8
const EPOLL_CLOEXEC = 0o2000000
const EPOLL_CTL_ADD = 1
const EPOLL_CTL_DEL = 2
const EPOLL_CTL_MOD = 3
const EPOLLONESHOT = 1 << 30
const EFD_CLOEXEC = 0o2000000

/** How many that have something are told of at a time. */
const EVENTS = 16
/** A process that exits waits for the threads of its pool: none may wait for longer, in milliseconds. */
const WAIT_MS = 100

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const waiting = new Map<number, Waiting>()
let epoll: number | undefined
let waker: number | undefined
let isWatching = false

/**
 * Resolves when `event` is there, or when `stopWaiting` is called for the descriptor. Asked once at a time for each. What
 * is no pipe, socket or terminal is always readable and writable, and cannot be waited for until it breaks.
 */
export async function ready(fd: number, event: number): Promise<void> {
  if (isReady(fd, event)) return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // A thread that waits there already notices what is added meanwhile.
  control(EPOLL_CTL_ADD, fd, event)
  waiting.set(fd, { resolve, reject })
  if (!isWatching) void watch()
  return promise
}

export function isReady(fd: number, event: number): boolean {
  const asked = Buffer.alloc(POLL_BYTES)
  asked.writeInt32LE(fd, 0)
  asked.writeInt16LE(event, 4)
  return call('int poll(void *asked, unsigned long count, int milliseconds)')(asked, 1, 0) > 0
}

/** Ends the wait for a descriptor, before it is closed for one. */
export function stopWaiting(fd: number): void {
  const ended = end(fd)
  if (ended === undefined) return
  ended.resolve()
  // Otherwise the process would wait for the thread before it exits.
  if (waiting.size === 0 && isWatching) wake()
}

/** An event counter is always writable: armed once more, it ends the present wait. */
function wake(): void {
  if (waker === undefined) {
    waker = check('eventfd', call('int eventfd(unsigned int count, int flags)')(0, EFD_CLOEXEC))
    control(EPOLL_CTL_ADD, waker, WRITABLE | EPOLLONESHOT)
  } else control(EPOLL_CTL_MOD, waker, WRITABLE | EPOLLONESHOT)
}

function control(operation: number, fd: number, event = 0): void {
  epoll ??= check('epoll_create1', call('int epoll_create1(int flags)')(EPOLL_CLOEXEC))
  const events = Buffer.alloc(EVENT_BYTES)
  events.writeUInt32LE(event, 0)
  events.writeInt32LE(fd, DATA_OFFSET)
  const f = call('int epoll_ctl(int epoll, int operation, int fd, void *event)')
  check('epoll_ctl', f(epoll, operation, fd, events))
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
