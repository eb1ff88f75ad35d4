/** A `kube` of its own for one test file: the built command on a state root of its own, with nothing left at the end. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { busyboxRootfs } from './busybox-rootfs.ts'

const top = fileURLToPath(new URL('../..', import.meta.url))

/** The image that a session has. */
export const BUSYBOX_IMAGE = 'localhost/busybox:test'

export interface Outcome {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: string
  /** Called with what came on standard output so far: a following command is ended by what it returns. */
  readonly until?: (stdout: string) => boolean
  /** Interrupts the command, as Ctrl-C does. */
  readonly signal?: AbortSignal
}

export class Session {
  readonly directory: string
  readonly #globals: readonly string[]

  private constructor(directory: string) {
    this.directory = directory
    this.#globals = ['--root', `${directory}/root`, '--runroot', `${directory}/run`]
  }

  /** With the busybox image in it. The directory is short, for the sockets in it. */
  static async open(): Promise<Session> {
    const session = new Session(mkdtempSync('/tmp/kube-'))
    const tar = `${session.directory}/busybox.tar`
    writeFileSync(tar, busyboxRootfs())
    await session.ok(['import', tar, BUSYBOX_IMAGE])
    return session
  }

  /** The words that a shell runs the command by. */
  commandLine(args: readonly string[]): readonly string[] {
    return [`${top}bin/kube`, ...this.#globals, ...args]
  }

  /** Runs the command to its end. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const child = spawn(`${top}bin/kube`, [...this.#globals, ...args], {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { ...process.env, NO_COLOR: '1' },
      })
      options.signal?.addEventListener('abort', () => child.kill('SIGINT'))
      let stdout = ''
      let stderr = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text
        if (options.until?.(stdout)) child.kill('SIGINT')
      })
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text
      })
      child.stdin.on('error', () => {})
      child.stdin.end(options.input ?? '')
      child.on('error', reject)
      child.on('close', (code, signal) => resolve({ status: code ?? (signal === null ? -1 : 128), stdout, stderr }))
    })
  }

  /** Its standard output; fails unless it ends with status 0. */
  async ok(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { status, stdout, stderr } = await this.run(args, options)
    assert.equal(status, 0, `kube ${args.join(' ')}: status ${status}\n${stdout}${stderr}`)
    return stdout
  }

  async json<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.ok([...args, '-o', 'json'])) as T
  }

  /** Plays a manifest from standard input as the app `name`. */
  async play(manifest: string, name: string): Promise<string> {
    return this.ok(['play', '--app', name, '-'], { input: manifest })
  }

  /** Asks until the answer is true; fails after ten seconds. */
  async eventually(question: () => Promise<boolean>): Promise<void> {
    const start = performance.now()
    while (!(await question())) {
      assert.ok(performance.now() - start < 10_000, 'it did not become so in time')
      // A question that asks nobody else would leave no time for the answer to come.
      await setImmediate()
    }
  }

  /** Takes everything away, and checks with other tools that it is gone. */
  async close(): Promise<void> {
    const subnetName = this.#bridge()
    await this.ok(['system', 'reset', '--force'])
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    assert.ok(!mounts.includes(this.directory), 'a mount is left')
    if (subnetName !== undefined) {
      const links = execFileSync('ip', ['-j', 'link'], { encoding: 'utf8' })
      assert.ok(!links.includes(`"${subnetName}"`), 'a link is left')
      const rules = execFileSync('nft', ['-j', 'list', 'ruleset'], { encoding: 'utf8' })
      assert.ok(!rules.includes(`"${subnetName}"`), 'a firewall table is left')
    }
    const left = ['root', 'run'].filter(name => existsSync(`${this.directory}/${name}`))
    assert.deepEqual(left, [])
    assert.deepEqual(processesNaming(this.directory), [])
    rmSync(this.directory, { recursive: true })
  }

  /** The name of the session's bridge, firewall table and cgroup. */
  #bridge(): string | undefined {
    const info = execFileSync(`${top}bin/kube`, [...this.#globals, 'system', 'info', '-o', 'json'], {
      encoding: 'utf8',
    })
    return (JSON.parse(info) as { cgroup: string }).cgroup.slice(1)
  }
}

/** Command lines of other processes that hold a text. */
function processesNaming(text: string): readonly string[] {
  return readdirSync('/proc').flatMap(name => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return []
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
      return line.includes(text) ? [line] : []
    } catch {
      return []
    }
  })
}
