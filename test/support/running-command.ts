/** A command that runs while its test goes on. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { constants } from 'node:os'

/** How a command ended. */
export interface Outcome {
  /** For one that a signal ended, 128 and the signal's number, as a shell has it. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** Milliseconds after which it is killed. Default: never. */
  readonly timeoutMs?: number
}

export class RunningCommand {
  readonly #child: ChildProcess
  /** Its end, with everything it has written. */
  readonly ended: Promise<Outcome>
  #stdout = ''
  #stderr = ''

  constructor([program = '', ...args]: readonly string[], { cwd, env, timeoutMs }: CommandOptions) {
    this.#child = spawn(program, args, { cwd, env, timeout: timeoutMs, killSignal: 'SIGKILL' })
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
    })
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    // It may end before it has read everything.
    this.#child.stdin!.on('error', () => {})
    this.ended = once(this.#child, 'close').then(() => ({
      status: this.#child.exitCode ?? statusOf(this.#child.signalCode),
      stdout: this.#stdout,
      stderr: this.#stderr,
    }))
    // Who does not wait for it does not want to hear of it either.
    this.ended.catch(() => {})
  }

  /** What it has written so far. */
  get stdout(): string {
    return this.#stdout
  }

  /** What it has complained of so far. */
  get stderr(): string {
    return this.#stderr
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Whether it has loaded this shared library or addon. */
  hasLoaded(name: string): boolean {
    return readFileSync(`/proc/${this.#child.pid}/maps`, 'utf8').includes(`/${name}\n`)
  }

  /** The paths of the files that it has open now. */
  openFiles(): readonly string[] {
    const directory = `/proc/${this.#child.pid}/fd`
    return readdirSync(directory).map(name => readlinkSync(`${directory}/${name}`))
  }

  /** Whether its main thread waits in open(2) for somebody else to open a FIFO. Source: the kernel's fs/pipe.c. */
  get waitsForPartner(): boolean {
    return readFileSync(`/proc/${this.#child.pid}/wchan`, 'utf8') === 'wait_for_partner'
  }

  /** Gives it standard input and leaves that open. */
  type(text: string): void {
    this.#child.stdin!.write(text)
  }

  /** Ends its standard input. */
  endInput(text = ''): void {
    this.#child.stdin!.end(text)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Interrupts it, as Ctrl-C does, and waits for its end. */
  interrupt(): Promise<Outcome> {
    this.signal('SIGINT')
    return this.ended
  }

  /**
   * Waits until what it has written, to standard output and then to standard error, has this in it. Fails when it ends
   * before, or after `limitMs`.
   */
  async says(wanted: RegExp, limitMs = 30_000): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    const look = () => {
      if (wanted.test(this.#stdout + this.#stderr)) resolve(undefined)
    }
    const limit = setTimeout(resolve, limitMs, `within ${limitMs / 1000} s`)
    const streams = [this.#child.stdout!, this.#child.stderr!]
    for (const stream of streams) stream.on('data', look)
    this.ended.then(() => resolve('before it ended'))
    look()
    const missed = await promise
    clearTimeout(limit)
    for (const stream of streams) stream.off('data', look)
    if (missed !== undefined)
      throw new Error(`it did not say ${wanted} ${missed}; instead: ${this.#stdout}${this.#stderr}`)
  }
}

/** Of a process that ended by a signal. */
export function statusOf(signal: NodeJS.Signals | null): number {
  return signal === null ? 1 : 128 + constants.signals[signal]
}
