/** Reading and writing as much as can be done at once, whatever the descriptor is. Source: fcntl(2), recv(2), pipe(7). */
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { lastErrorCode, library, systemError } from './foreign.ts'
import { pipe } from './launch.ts'

const call = library('libc.so.6')

export interface Nonblocking {
  readonly fd: number
  /** Calls that can be told not to wait exist for sockets only. */
  readonly isSocket: boolean
  /** Opened here, and so to be closed by `close`. */
  readonly isOwn: boolean
}

const F_SETFL = 4
const F_SETPIPE_SZ = 1031
const F_GETPIPE_SZ = 1032
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000
const { O_NOCTTY, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants
/** Major number of the devices that are none, such as /dev/null. Source: devices.txt of Linux. */
const MEMORY_DEVICES = 1

/**
 * A descriptor that others have too. Whether it waits belongs to the open file that all of them share, so a pipe or terminal
 * is opened once more; a file is read and written without waiting for anybody anyway.
 */
export function shared(fd: number, way: 'read' | 'write'): Nonblocking {
  const stats = fstatSync(fd)
  const isSocket = stats.isSocket()
  const waits = stats.isFIFO() || (stats.isCharacterDevice() && stats.rdev >> 8 !== MEMORY_DEVICES)
  if (waits) {
    try {
      const flags = (way === 'read' ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_NOCTTY
      return { fd: openSync(`/proc/self/fd/${fd}`, flags), isSocket, isOwn: true }
    } catch {
      // Of another user, or hung up: it is used as it is.
    }
  }
  return { fd, isSocket, isOwn: false }
}

/** A pipe whose one end is kept here, and is not to wait, while the other is for a program, and does. */
export interface Channel {
  readonly own: Nonblocking
  readonly other: number
}

export function channel(way: 'read' | 'write'): Channel {
  const [read, write] = pipe()
  const [fd, other] = way === 'read' ? [read, write] : [write, read]
  return { own: { fd, isSocket: false, isOwn: true }, other }
}

/** Bytes that a pipe may hold: any user may have so much. Source: /proc/sys/fs/pipe-max-size. */
const PIPE_BYTES = 1 << 20

/** Before the first use of the end that is kept here. Not a part of `channel`, so that a program starts before this is done. */
export function neverWait({ fd }: Nonblocking): void {
  const control = call('int fcntl(int fd, int command, int argument)')
  control(fd, F_SETFL, O_NONBLOCK)
  // A machine may allow less: then it has the usual 64 KiB.
  control(fd, F_SETPIPE_SZ, PIPE_BYTES)
}

/** Bytes that the pipe can hold. */
export function capacityOf({ fd }: Nonblocking): number {
  return call('int fcntl(int fd, int command, int argument)')(fd, F_GETPIPE_SZ, 0)
}

/** Bytes read; 0 at the end, undefined when there is nothing at the moment. */
export function readNow({ fd, isSocket }: Nonblocking, into: Buffer): number | undefined {
  const count = isSocket
    ? call('long recv(int fd, void *into, size_t count, int flags)')(fd, into, into.length, MSG_DONTWAIT)
    : call('long read(int fd, void *into, size_t count)')(fd, into, into.length)
  return count >= 0 ? count : later('read', fd)
}

/** Bytes written; undefined when there is no room at the moment. */
export function writeNow({ fd, isSocket }: Nonblocking, bytes: Buffer): number | undefined {
  const flags = MSG_DONTWAIT | MSG_NOSIGNAL
  const count = isSocket
    ? call('long send(int fd, const void *bytes, size_t count, int flags)')(fd, bytes, bytes.length, flags)
    : call('long write(int fd, const void *bytes, size_t count)')(fd, bytes, bytes.length)
  return count >= 0 ? count : later('write', fd)
}

/** Fails unless it was only not the moment. */
function later(syscall: string, fd: number): undefined {
  const code = lastErrorCode()
  if (code === 'EAGAIN' || code === 'EINTR') return undefined
  throw systemError(syscall, String(fd))
}

export function close({ fd, isOwn }: Nonblocking): void {
  if (isOwn) closeSync(fd)
}
