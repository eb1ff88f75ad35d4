/** The two that are compared: each plays and takes down a manifest that it reads from standard input. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'

/** A command line: the program, then its arguments. */
export type Command = readonly string[]

export interface Contender {
  readonly name: string
  readonly version: Command
  /** Reads the tar of a root file system. */
  readonly importImage: Command
  /** Reads a manifest. */
  readonly play: Command
  readonly down: Command
  /** What takes away all that is left. */
  readonly clean: readonly Command[]
  /** What the command lines of its helper processes hold, besides being new. */
  readonly helpers: RegExp
}

/** Of this run: another may be under way with the same podman. */
export const IMAGE = `localhost/kube-bench-${process.pid}:1`

/** kube of this checkout, with state directories of its own. */
export function kubeContender(top: string, scratch: string): Contender {
  const roots = ['--root', join(scratch, 'root'), '--runroot', join(scratch, 'run')]
  const kube = [join(top, 'bin', 'kube'), ...roots]
  return {
    name: 'kube',
    version: [join(top, 'bin', 'kube'), '--version'],
    importImage: [...kube, 'import', '-', IMAGE],
    play: [...kube, 'play', '--app', 'bench', '-'],
    down: [...kube, 'down', 'bench'],
    clean: [[...kube, 'system', 'reset', '--force']],
    helpers: new RegExp(scratch.replace(/\W/g, '\\$&')),
  }
}

/** podman, by the words that run it; undefined where they don't. */
export async function podmanContender(words: Command): Promise<Contender | undefined> {
  const contender: Contender = {
    name: 'podman',
    version: [...words, '--version'],
    importImage: [...words, 'import', '-', IMAGE],
    play: [...words, 'kube', 'play', '-'],
    down: [...words, 'kube', 'down', '-'],
    clean: [[...words, 'rmi', IMAGE]],
    helpers: /conmon|aardvark-dns|catatonit|podman|pasta/,
  }
  const { status } = await run(contender.version).catch(() => ({ status: 127 }))
  return status === 0 ? contender : undefined
}

export interface Run {
  readonly status: number
  readonly seconds: number
  readonly output: string
}

/** Runs a command with a file as its standard input and times it from start to end. */
export async function run(command: Command, input = '/dev/null'): Promise<Run> {
  const [program = '', ...args] = command
  const stdin = openSync(input, 'r')
  const chunks: Buffer[] = []
  const begin = performance.now()
  const child = spawn(program, args, { stdio: [stdin, 'pipe', 'pipe'] })
  closeSync(stdin)
  child.stdout?.on('data', chunk => chunks.push(chunk))
  child.stderr?.on('data', chunk => chunks.push(chunk))
  // Not 'close': a helper that stays may hold the pipes.
  const [status, signal] = await once(child, 'exit')
  const seconds = (performance.now() - begin) / 1000
  child.stdout?.destroy()
  child.stderr?.destroy()
  return { status: status ?? (signal === null ? 1 : 128), seconds, output: Buffer.concat(chunks).toString() }
}

/** Runs a command that must succeed. */
export async function runWell(command: Command, input?: string): Promise<Run> {
  const result = await run(command, input)
  if (result.status === 0) return result
  throw new Error(`${command.join(' ')}: exit status ${result.status}\n${result.output.slice(-2000)}`)
}
