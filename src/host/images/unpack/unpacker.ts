/** Owns the unpacking threads: starts them when needed, keeps idle ones, ends them. */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { KubeError } from '../../../diagnostic.ts'
import { END, type UnpackRequest, type UnpackSuccess, type WorkerMessage } from './protocol.ts'

export type LayerSource =
  | { readonly kind: 'file'; readonly fd: number; readonly offset: number; readonly length: number }
  | { readonly kind: 'stream'; readonly bytes: AsyncIterable<Uint8Array> }

export interface UnpackOptions {
  /** Absolute path of an empty directory. */
  readonly directory: string
  readonly source: LayerSource
  readonly hashBlob: boolean
  readonly signal?: AbortSignal | undefined
  /** Bytes read of a `file` source so far. */
  readonly onProgress?: ((doneBytes: number) => void) | undefined
}

/** A stream's bytes travel to the thread in pieces of this size... */
const PIECE_BYTES = 1 << 18
/** ...and at most so many are under way, so that a slow disk slows the sender down. */
const PIECES_MAX = 8

/** The id that a thread has when it is over. */
const ENDED = -1
/** No step takes so long, unless the disk hangs. */
const END_LIMIT_MS = 5_000

/** Whether this process is in the machine's first user namespace. Source: user_namespaces(7). */
export function inInitialUserns(): boolean {
  try {
    return /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'))
  } catch {
    return true
  }
}

function workerUrl(): URL {
  // Beside this file in the sources; one file beside the bundle when built.
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './unpack-worker.js', import.meta.url)
}

export class Unpacker implements AsyncDisposable {
  readonly #idle: Promise<Worker>[] = []
  readonly #all = new Set<Worker>()
  readonly #initialUserns = inInitialUserns()
  #poolStarted: Promise<unknown> | undefined

  /** Starts one thread ahead of time, while the caller still reads a manifest. A failure is met again by `unpack`. */
  warmUp(): void {
    if (this.#all.size > 0 || this.#idle.length > 0) return
    const starting = this.#start()
    starting.catch(() => {})
    this.#idle.push(starting)
  }

  async unpack(options: UnpackOptions): Promise<UnpackSuccess> {
    options.signal?.throwIfAborted()
    const worker = await (this.#idle.pop() ?? this.#start())
    let isReusable = false
    try {
      const result = await this.#run(worker, options)
      isReusable = true
      return result
    } finally {
      if (isReusable) this.#idle.push(Promise.resolve(worker))
      else {
        this.#all.delete(worker)
        await end(worker)
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#idle)
    await Promise.all([...this.#all].map(end))
    this.#all.clear()
    this.#idle.length = 0
  }

  async #start(): Promise<Worker> {
    // libuv starts all its pool threads at the first asynchronous call and they inherit the root directory of the thread
    // that makes it: that must be this one, never a confined one.
    this.#poolStarted ??= stat('/')
    await this.#poolStarted
    const worker = new Worker(workerUrl(), {
      workerData: { initialUserns: this.#initialUserns },
      // Options of this process, such as --input-type, are not for it.
      execArgv: [],
    })
    this.#all.add(worker)
    try {
      // Its first message says that it is ready; an error before that is thrown here.
      await once(worker, 'message')
    } catch (cause) {
      this.#all.delete(worker)
      throw new KubeError('Failed', 'the unpacking thread does not start', { cause })
    }
    // A later failure is told to whoever uses it; without any listener it would end the process.
    worker.on('error', () => {})
    worker.unref()
    return worker
  }

  async #run(worker: Worker, options: UnpackOptions): Promise<UnpackSuccess> {
    const { source, signal } = options
    const channel = source.kind === 'stream' ? new MessageChannel() : undefined
    const { promise: result, resolve, reject } = Promise.withResolvers<UnpackSuccess>()
    const onMessage = (message: WorkerMessage): void => {
      if (message.kind === 'progress') options.onProgress?.(message.doneBytes)
      else if (message.kind === 'done') resolve(message)
      else if (message.kind === 'failed') reject(failureOf(message))
    }
    const onError = (error: Error): void => reject(error)
    const onExit = (): void => reject(new KubeError('Failed', 'the unpacking thread ended too early'))
    const onAbort = (): void => reject(signal?.reason)
    worker.on('message', onMessage).on('error', onError).on('exit', onExit)
    worker.ref()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      const from: UnpackRequest['source'] = source.kind === 'file' ? source : { kind: 'stream', port: channel!.port2 }
      const request: UnpackRequest = { directory: options.directory, source: from, hashBlob: options.hashBlob }
      worker.postMessage(request, from.kind === 'stream' ? [from.port] : [])
      if (source.kind === 'stream') {
        // The thread may fail while the sender waits for room, or the sender while the thread waits for bytes.
        const sending = sendPieces(source.bytes, channel!.port1, result)
        sending.catch(reject)
      }
      return await result
    } finally {
      channel?.port1.close()
      worker.off('message', onMessage).off('error', onError).off('exit', onExit)
      worker.unref()
      signal?.removeEventListener('abort', onAbort)
    }
  }
}

/**
 * Has the thread end between two of its steps. One that is terminated in the midst of making a decompressor takes the
 * whole process with it (Node.js 26: "close before init" in node_zlib.cc).
 */
async function end(worker: Worker): Promise<void> {
  if (worker.threadId === ENDED) return
  const exited = new Promise(resolve => worker.once('exit', resolve))
  worker.postMessage(END)
  const late = setTimeout(() => void worker.terminate(), END_LIMIT_MS)
  await exited
  clearTimeout(late)
}

function failureOf({ code, message }: Extract<WorkerMessage, { readonly kind: 'failed' }>): KubeError {
  if (!message.startsWith('EPERM: chroot')) return new KubeError(code, message)
  return new KubeError('NotPermitted', 'unpacking images takes the rights of root (CAP_SYS_CHROOT)', {
    hint: 'run it with sudo',
  })
}

/** Sends everything, gathered into pieces, never more than PIECES_MAX ahead of the receiver; stops early when `until` settles. */
async function sendPieces(bytes: AsyncIterable<Uint8Array>, port: MessagePort, until: Promise<unknown>): Promise<void> {
  let isOver = false
  let underWay = 0
  let wake: () => void = () => {}
  const free: Uint8Array<ArrayBuffer>[] = []
  const finish = (): void => {
    isOver = true
    wake()
  }
  until.then(finish, finish)
  // Used pieces come back to be filled again: new ones would pile up until a garbage collection.
  port.on('message', (piece: Uint8Array<ArrayBuffer>) => {
    underWay--
    free.push(piece)
    wake()
  })
  const send = async (piece: Uint8Array<ArrayBuffer>): Promise<void> => {
    while (underWay >= PIECES_MAX && !isOver) {
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
    if (isOver) return
    underWay++
    port.postMessage(piece, [piece.buffer])
  }
  let piece = new Uint8Array(PIECE_BYTES)
  let filled = 0
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length; ) {
      const take = Math.min(chunk.length - at, PIECE_BYTES - filled)
      piece.set(chunk.subarray(at, at + take), filled)
      filled += take
      at += take
      if (filled < PIECE_BYTES) continue
      await send(piece)
      piece = free.pop() ?? new Uint8Array(PIECE_BYTES)
      filled = 0
    }
    if (isOver) return
  }
  if (filled > 0) await send(piece.slice(0, filled))
  if (!isOver) port.postMessage(null)
}
