/** Files that a command line names, pipes among them: `kube load -i <(zcat image.tar.gz)`. */
import { closeSync, constants, createReadStream, fstatSync, openSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import { readToEnd } from './readable.ts'
import { READABLE, ready } from './readiness.ts'

/**
 * Opens for reading, with words for what a user gets wrong; the caller names the file. Nobody has to wait in open(2), which
 * no signal would end: a FIFO that nobody writes to is waited for until the signal.
 */
export function openInput(path: string): number {
  const inherited = ownPipe(path)
  if (inherited !== undefined) return inherited
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    if (!fstatSync(fd).isDirectory()) return fd
    closeSync(fd)
  } catch (cause) {
    const code = errnoOf(cause)
    if (code === 'ENOENT') throw new KubeError('FileNotFound', 'no such file')
    if (code === 'ENXIO') throw new KubeError('NotAFile', 'is a socket')
    throw new KubeError(code ?? 'Failed', 'cannot be opened', { cause })
  }
  throw new KubeError('NotAFile', 'is a directory')
}

/** The content of a file that a user names, which may be a pipe. */
export async function readInput(path: string, signal?: AbortSignal): Promise<Buffer> {
  const fd = openInput(path)
  try {
    return await orAbort(readToEnd(fd), signal)
  } finally {
    closeSync(fd)
  }
}

/** The pipe that a shell has opened for this process and named so. Opened once more it would not tell its end. */
function ownPipe(path: string): number | undefined {
  const name = path === '/dev/stdin' ? '0' : /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(path)?.[1]
  if (name === undefined) return undefined
  try {
    return fstatSync(Number(name)).isFIFO() ? Number(name) : undefined
  } catch {
    // It is not open.
    return undefined
  }
}

/**
 * A stream of an open file, from where it stands; it closes the file. Pipes are read as the process's own input is, by the
 * event loop: a blocked read of a pool thread could not be given up.
 */
export async function streamOf(fd: number, signal: AbortSignal | undefined): Promise<Readable> {
  if (fd === 0) return process.stdin
  if (!fstatSync(fd).isFIFO()) return createReadStream('', { fd, highWaterMark: 1 << 18 })
  // Until somebody has it open for writing, a FIFO that was opened without waiting says that it is at its end.
  await orAbort(ready(fd, READABLE), signal)
  const { Socket } = await import('node:net')
  return new Socket({ fd, readable: true, writable: false })
}

async function orAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  signal?.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}
