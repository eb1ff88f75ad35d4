/** An instance of `kube` of its own for a test file: the built command, a state root, an image, and nothing left of it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { busyboxRootfs } from './busybox-rootfs.ts'
import { eventually } from './eventually.ts'
import { type InstancePlaces, leftovers, mounts, podLeftovers } from './leftovers.ts'
import { type Outcome, RunningCommand, statusOf } from './running-command.ts'

/** The built command. */
export const KUBE = fileURLToPath(new URL('../../bin/kube', import.meta.url))

/** The image that every instance has: the busybox of this machine. */
export const IMAGE = 'localhost/busybox:test'

/** No command of a test takes so long; one that does hangs. */
const COMMAND_LIMIT_MS = 180_000

/** A process that was told to end, or ends by itself, takes so long at most. */
const ENDING_MS = 5_000

const OUTPUT_LIMIT_BYTES = 256 * 1024 * 1024

export interface InstanceOptions {
  /** For all of its commands, and so for its supervisor. */
  readonly env?: NodeJS.ProcessEnv
  /** What starts it: a program with its arguments, before the command's own. */
  readonly through?: readonly string[]
  /** The roots are in a directory of this name, for tests of unusual paths. */
  readonly below?: string
}

export interface StartOptions {
  /** Standard input, which then ends. Default: it stays open. */
  readonly input?: string
  readonly env?: NodeJS.ProcessEnv
  /** Milliseconds after which it is killed. Default: when the instance is closed. */
  readonly timeoutMs?: number
}

export class Instance {
  /** For files of the test. Short, because the roots in it hold sockets. */
  readonly directory = mkdtempSync('/tmp/kube-test-')
  readonly root: string
  readonly runroot: string
  readonly #env: NodeJS.ProcessEnv
  readonly #through: readonly string[]
  readonly #started: RunningCommand[] = []
  #name: string | undefined
  #manifests = 0

  constructor({ env = {}, below = '', through = [] }: InstanceOptions = {}) {
    this.#through = through
    this.root = join(this.directory, below, 'root')
    this.runroot = join(this.directory, below, 'run')
    this.#env = { ...process.env, NO_COLOR: '1', ...env }
  }

  /** Gives it its image. */
  async open(): Promise<void> {
    process.on('exit', this.#abandon)
    const [info] = await Promise.all([
      this.#must('system', 'info', '-o', 'json'),
      this.#must('import', this.file('busybox.tar', busyboxRootfs()), IMAGE),
    ])
    const { cgroup } = JSON.parse(info) as { readonly cgroup: string }
    // The usual root's has another name, which no test must touch.
    if (!/^\/kube-[0-9a-f]+$/.test(cgroup)) throw new Error(`the cgroup of an instance of its own is ${cgroup}`)
    this.#name = cgroup.slice(1)
  }

  /** Takes everything away, and fails with what is left. */
  async close(): Promise<void> {
    process.off('exit', this.#abandon)
    for (const command of this.#started.filter(({ isRunning }) => isRunning)) command.signal('SIGKILL')
    await Promise.allSettled(this.#started.map(({ ended }) => ended))
    const failed = this.#reset()
    const left = await this.#endured(() =>
      this.#name === undefined ? mounts(this.directory) : leftovers(this.#places(this.#name)),
    )
    if (mounts(this.directory).length === 0) rmSync(this.directory, { recursive: true, force: true })
    if (failed !== '' || left.length > 0) throw new Error(`left behind:\n${left.join('\n')}\n${failed}`)
  }

  /** Fails where there is something of its pods. `said` tells what was done before. */
  async nothingLeft(said = 'left behind'): Promise<void> {
    // Only a supervisor that is just ending is waited for, and the cgroup that it is in.
    const settled = this.leftovers().filter(left => !/^(process|cgroup) /.test(left))
    assert.deepEqual(settled, [], said)
    const left = await this.#endured(() => this.leftovers())
    assert.equal(left.length, 0, `${said}: ${left.join(', ')}`)
  }

  /** What is still there when processes that are just ending have had the time for it. */
  async #endured(look: () => readonly string[]): Promise<readonly string[]> {
    let left: readonly string[] = []
    const gone = () => {
      left = look()
      assert.deepEqual(left, [])
    }
    await eventually(gone, ENDING_MS).catch(() => {})
    return left
  }

  /** What there is of its pods; empty when it has none. */
  leftovers(): readonly string[] {
    if (this.#name === undefined) throw new Error('the instance is not open')
    return podLeftovers(this.#places(this.#name))
  }

  /** The words by which a shell runs the command. */
  commandLine(args: readonly string[]): readonly string[] {
    return [...this.#through, KUBE, '--root', this.root, '--runroot', this.runroot, ...args]
  }

  /** Starts the command and leaves it running. */
  start(args: readonly string[], options: StartOptions = {}): RunningCommand {
    return this.#spawn(this.commandLine(args), options)
  }

  /** The same on a terminal of its own, of 40 lines and 100 columns, by `script`. */
  startOnTerminal(args: readonly string[], options: StartOptions = {}): RunningCommand {
    const line = ['stty rows 40 cols 100;', ...this.commandLine(args)].join(' ')
    return this.#spawn(['script', '-qec', line, '/dev/null'], options)
  }

  #spawn(words: readonly string[], { input, env, timeoutMs }: StartOptions): RunningCommand {
    const command = new RunningCommand(words, {
      cwd: this.directory,
      env: { ...this.#env, ...env },
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    })
    this.#started.push(command)
    if (input !== undefined) command.endInput(input)
    return command
  }

  /** Runs the command to its end. */
  protected finish(args: readonly string[], options: StartOptions = {}): Promise<Outcome> {
    return this.start(args, { input: '', timeoutMs: COMMAND_LIMIT_MS, ...options }).ended
  }

  /** The same, while this process does nothing else. */
  protected finishSync(args: readonly string[], input = ''): Outcome {
    const [program = '', ...words] = this.commandLine(args)
    const { status, signal, stdout, stderr, error } = spawnSync(program, words, {
      encoding: 'utf8',
      input,
      cwd: this.directory,
      env: this.#env,
      maxBuffer: OUTPUT_LIMIT_BYTES,
      timeout: COMMAND_LIMIT_MS,
      killSignal: 'SIGKILL',
    })
    // A command that ends before it has read its input is no failure of the test's.
    if (error && signal === null && (error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
    return { status: status ?? statusOf(signal), stdout, stderr }
  }

  /** Writes a file to the directory; its path. */
  file(name: string, content: string | Uint8Array): string {
    const path = join(this.directory, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    return path
  }

  /** A manifest file of these objects; JSON is YAML. */
  manifest(objects: readonly object[]): string {
    return this.file(
      `manifest-${this.#manifests++}.yaml`,
      objects.map(object => JSON.stringify(object)).join('\n---\n'),
    )
  }

  #places(name: string): InstancePlaces {
    return { directory: this.directory, root: this.root, runroot: this.runroot, name }
  }

  async #must(...args: readonly string[]): Promise<string> {
    return succeeded(args, await this.finish(args))
  }

  /** What went wrong with it. */
  #reset(): string {
    const { status, stdout, stderr } = this.finishSync(['system', 'reset', '--force'])
    return status === 0 ? '' : `system reset: status ${status}\n${stdout}${stderr}`
  }

  /** When the process ends in the midst of a test. */
  readonly #abandon = () => {
    if (this.#reset() === '' && mounts(this.directory).length === 0) rmSync(this.directory, { recursive: true })
  }
}

/** Its standard output. Throws what it said when its status is not 0. */
export function succeeded(args: readonly string[], { status, stdout, stderr }: Outcome): string {
  if (status !== 0) throw new Error(`kube ${args.join(' ')}: status ${status}\n${stderr}${stdout}`)
  return stdout
}
