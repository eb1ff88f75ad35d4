/**
 * Stands between a program and the streams of whoever called for it: the program has pipes, and what is at their other ends
 * is never in its hands. Written without the streams of Node.js, which take a command milliseconds to load.
 */
import { closeSync, fstatSync } from 'node:fs'
import { errnoOf } from '../../diagnostic.ts'
import { monotonicMs } from '../../engine/monotonic.ts'
import {
  type Channel,
  capacityOf,
  channel,
  close,
  type Nonblocking,
  neverWait,
  readNow,
  shared,
  writeNow,
} from './nonblocking.ts'
import { BROKEN, READABLE, ready, stopWaiting, WRITABLE } from './readiness.ts'

export interface RelayStreams {
  /** What the program reads: descriptor 0 of this process, or bytes. Default: nothing, so that it is at its end at once. */
  readonly input?: 0 | AsyncIterable<Uint8Array> | undefined
  /** Where its output goes: descriptor 1 of this process, or a function. The bytes are only good during the call. */
  readonly output: 1 | ((bytes: Buffer) => void)
  readonly errors: 2 | ((bytes: Buffer) => void)
  /** A function or the input has failed: `drain` will throw it, once the program has ended. */
  readonly onFailure?: () => void
}

/** Bytes that are read at a time. */
const CHUNK_BYTES = 256 * 1024
/** After so long without a pause, others get their turn: a signal for one. In milliseconds. */
const TURN_MS = 5

/** One direction: from the program, or to it. */
interface Line {
  /** The end of the pipe that is kept here. */
  readonly pipe: Nonblocking
  /** What it leads to; undefined for a function or bytes. */
  readonly end?: Nonblocking
  /** Bytes that are still to be passed on. */
  left: number
  isOver: boolean
  readonly done: Promise<void>
}

export class Relay implements Disposable {
  /** The program's descriptors 0, 1 and 2. */
  readonly files: readonly [number, number, number]
  readonly #streams: RelayStreams
  readonly #input: Channel
  readonly #output: Channel
  readonly #errors: Channel | undefined
  readonly #outward: Line[] = []
  #inward: Line | undefined
  #hasStarted = false
  #failure: { readonly error: unknown } | undefined
  #turn = monotonicMs()

  constructor(streams: RelayStreams) {
    this.#streams = streams
    // What goes to the same place stays in its order when it takes the same way.
    const isOne = streams.output === 1 && streams.errors === 2 && areSame(1, 2)
    const made: Channel[] = []
    try {
      for (const way of ['write', 'read', ...(isOne ? [] : ['read' as const])] as const) made.push(channel(way))
    } catch (error) {
      for (const { own, other } of made) {
        close(own)
        closeSync(other)
      }
      throw error
    }
    this.#input = made[0]!
    this.#output = made[1]!
    this.#errors = made[2]
    this.files = [this.#input.other, this.#output.other, (this.#errors ?? this.#output).other]
  }

  /** The program has its descriptors, or could not be started. */
  start(): void {
    this.#hasStarted = true
    for (const fd of new Set(this.files)) closeSync(fd)
    const { input, output, errors } = this.#streams
    this.#passOn(this.#output.own, output)
    if (this.#errors) this.#passOn(this.#errors.own, errors)
    if (input === undefined) close(this.#input.own)
    else
      this.#inward = this.#begin(this.#input.own, input === 0 ? shared(0, 'read') : undefined, line => this.#feed(line))
  }

  /**
   * The program has ended: what it wrote is passed on, but no more than that, because others whom it left behind may hold its
   * pipes for ever. Fails with what kept its streams from being passed on; that nobody reads any more is no failure.
   */
  async drain(): Promise<void> {
    if (this.#inward) this.#finish(this.#inward)
    for (const line of this.#outward) {
      if (line.isOver) continue
      line.left = Math.min(line.left, capacityOf(line.pipe))
      stopWaiting(line.pipe.fd)
    }
    await Promise.all([...this.#outward, ...(this.#inward ? [this.#inward] : [])].map(({ done }) => done))
    if (this.#failure) throw this.#failure.error
  }

  /** Passes nothing on any more. */
  [Symbol.dispose](): void {
    if (!this.#hasStarted) {
      for (const fd of new Set(this.files)) closeSync(fd)
      for (const pipe of [this.#input, this.#output, this.#errors]) if (pipe) close(pipe.own)
      this.#hasStarted = true
    }
    for (const line of [...this.#outward, ...(this.#inward ? [this.#inward] : [])]) this.#finish(line)
  }

  #begin(pipe: Nonblocking, end: Nonblocking | undefined, pass: (line: Line) => Promise<void>): Line {
    neverWait(pipe)
    const { promise: done, resolve } = Promise.withResolvers<void>()
    const line: Line = { pipe, ...(end ? { end } : {}), left: Infinity, isOver: false, done }
    const fail = (error: unknown) => {
      this.#failure ??= { error }
      this.#streams.onFailure?.()
    }
    pass(line)
      .catch(fail)
      .finally(() => {
        this.#finish(line)
        // The program sees that nobody reads, or that there is no more to read.
        close(pipe)
        if (end) close(end)
        resolve()
      })
    return line
  }

  /** What waits for one of its descriptors goes on, sees that it is over, and closes them. */
  #finish(line: Line): void {
    // Its descriptors may be others by now.
    if (line.isOver) return
    line.isOver = true
    stopWaiting(line.pipe.fd)
    if (line.end) stopWaiting(line.end.fd)
  }

  #passOn(pipe: Nonblocking, to: 1 | 2 | ((bytes: Buffer) => void)): void {
    if (typeof to === 'function') {
      this.#outward.push(this.#begin(pipe, undefined, line => this.#readAll(line, pipe, async bytes => to(bytes))))
      return
    }
    const line = this.#begin(pipe, shared(to, 'write'), passing =>
      this.#readAll(passing, pipe, bytes => this.#writeAll(passing, passing.end!, bytes)),
    )
    this.#outward.push(line)
    void this.#noticeBreak(line, to)
  }

  /** A reader that is gone is noticed before the program writes again: it may wait for that. */
  async #noticeBreak(line: Line, fd: 1 | 2): Promise<void> {
    // One that is not opened once more can't be waited for twice.
    if (!line.end?.isOwn) return
    void line.done.then(() => stopWaiting(fd))
    try {
      await ready(fd, BROKEN)
    } catch {
      // A device that cannot be waited for.
      return
    }
    this.#finish(line)
  }

  async #feed(line: Line): Promise<void> {
    const { input } = this.#streams
    const write = (bytes: Buffer) => this.#writeAll(line, line.pipe, bytes)
    if (line.end) return this.#readAll(line, line.end, write)
    for await (const bytes of input as AsyncIterable<Uint8Array>) {
      await write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
      if (line.isOver) return
    }
  }

  async #readAll(line: Line, from: Nonblocking, use: (bytes: Buffer) => Promise<void>): Promise<void> {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
    while (!line.isOver && line.left > 0) {
      const count = readOrEnd(from, buffer)
      if (count === 0) return
      if (count === undefined) {
        // After the program's end there is nothing to wait for.
        if (line.left !== Infinity) return
        await ready(from.fd, READABLE)
        continue
      }
      line.left -= count
      await use(buffer.subarray(0, count))
      await this.#takeTurns()
    }
  }

  async #writeAll(line: Line, to: Nonblocking, bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length && !line.isOver; ) {
      try {
        const count = writeNow(to, bytes.subarray(at))
        if (count === undefined) await ready(to.fd, WRITABLE)
        else at += count
      } catch (error) {
        // Nobody reads it any more: the writer learns it by its own pipe.
        if (errnoOf(error) !== 'EPIPE' && errnoOf(error) !== 'ECONNRESET') throw error
        line.isOver = true
      }
    }
  }

  async #takeTurns(): Promise<void> {
    if (monotonicMs() - this.#turn < TURN_MS) return
    await new Promise(resolve => setImmediate(resolve))
    this.#turn = monotonicMs()
  }
}

/** A terminal that is gone, or not this process's to read, is at its end. */
function readOrEnd(from: Nonblocking, buffer: Buffer): number | undefined {
  try {
    return readNow(from, buffer)
  } catch (error) {
    if (errnoOf(error) === 'EIO' || errnoOf(error) === 'ECONNRESET') return 0
    throw error
  }
}

function areSame(one: number, other: number): boolean {
  const [a, b] = [fstatSync(one), fstatSync(other)]
  return a.dev === b.dev && a.ino === b.ino
}
