/** The standard streams of a running container, by its monitor's socket. Source: conmon's src/conn_sock.c. */
import { close, closeSync, openSync, read, write } from 'node:fs'
import { promisify } from 'node:util'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import type { Layout } from '../layout.ts'
import { connectSeqpacket, shutdownSocket } from '../sys/libc.ts'
import { tellMonitor } from '../sys/monitor-control.ts'

export interface AttachOptions {
  readonly layout: Layout
  readonly id: string
  readonly onOutput: (stream: 'stdout' | 'stderr', bytes: Buffer) => void
  /** What the container reads; its end closes this side only. */
  readonly input?: AsyncIterable<Buffer>
  /** Bytes that, typed one after the other, leave the container to itself. */
  readonly detachKeys?: Buffer
  readonly signal?: AbortSignal
}

export type AttachEnd = 'ended' | 'detached'

/** First byte of each packet. Source: conmon, stdpipe_t. */
const STDERR_PIPE = 3
/** A packet's first byte and conmon's buffer. */
const PACKET_BYTES = 32 * 1024 + 1
/** conmon reads so much at a time. */
const INPUT_BYTES = 8 * 1024

const readFd = promisify(read)
const writeFd = promisify(write)
const closeFd = promisify(close)

/** Resolves when the container has closed its streams, or with `detached` at the detach keys or the signal. */
export async function attachContainer(options: AttachOptions): Promise<AttachEnd> {
  const fd = connect(options)
  let detached = false
  let closed = false
  const detach = () => {
    detached = true
    // Only this ends a read that is waiting.
    if (!closed) shutdownSocket(fd, true)
  }
  options.signal?.addEventListener('abort', detach)
  const sending = options.input === undefined ? undefined : send(fd, options, detach)
  sending?.catch(() => {})
  try {
    const packet = Buffer.allocUnsafe(PACKET_BYTES)
    for (;;) {
      const { bytesRead } = await readFd(fd, packet, 0, PACKET_BYTES, null)
      if (bytesRead <= 0) break
      const stream = packet[0] === STDERR_PIPE ? 'stderr' : 'stdout'
      options.onOutput(stream, Buffer.from(packet.subarray(1, bytesRead)))
    }
  } catch (error) {
    if (errnoOf(error) !== 'ECONNRESET') throw error
  } finally {
    closed = true
    options.signal?.removeEventListener('abort', detach)
    await closeFd(fd)
  }
  return detached ? 'detached' : 'ended'
}

function connect({ layout, id }: AttachOptions): number {
  let directory: number | undefined
  try {
    directory = openSync(layout.bundleDir(id), 'r')
    // A socket's path has at most 107 bytes; the way through the open directory is short wherever that is.
    return connectSeqpacket(`/proc/self/fd/${directory}/attach`)
  } catch (cause) {
    throw new KubeError('AttachFailed', 'its monitor does not answer', {
      cause,
      hint: 'the container may just have ended, or it runs on without its monitor, which was killed',
    })
  } finally {
    if (directory !== undefined) closeSync(directory)
  }
}

async function send(fd: number, { input, detachKeys }: AttachOptions, detach: () => void): Promise<void> {
  let held = Buffer.alloc(0)
  for await (const chunk of input!) {
    const bytes = Buffer.concat([held, chunk])
    const at = detachKeys === undefined ? -1 : bytes.indexOf(detachKeys)
    if (at >= 0) {
      await sendAll(fd, bytes.subarray(0, at))
      return detach()
    }
    // What may be the beginning of the keys waits for what follows.
    const keep = detachKeys === undefined ? 0 : beginningAtEnd(bytes, detachKeys)
    await sendAll(fd, bytes.subarray(0, bytes.length - keep))
    held = bytes.subarray(bytes.length - keep)
  }
  await sendAll(fd, held)
  shutdownSocket(fd, false)
}

function beginningAtEnd(bytes: Buffer, keys: Buffer): number {
  for (let length = Math.min(keys.length - 1, bytes.length); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(keys.subarray(0, length))) return length
  }
  return 0
}

async function sendAll(fd: number, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += INPUT_BYTES)
    await writeFd(fd, bytes, at, Math.min(INPUT_BYTES, bytes.length - at), null)
}

/** Tells a container's terminal its size. Source: conmon, process_terminal_ctrl_line. */
export function resizeContainer(layout: Layout, id: string, rows: number, columns: number): void {
  tellMonitor(layout.bundleDir(id), `1 ${rows} ${columns}`)
}
