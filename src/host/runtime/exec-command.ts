/** Another command in a running container, on the caller's own terminal or pipes. Source: crun(1), runc-exec(8). */
import { spawn } from 'node:child_process'
import { closeSync, constants, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants as osConstants } from 'node:os'
import { KubeError } from '../../diagnostic.ts'
import type { Layout } from '../layout.ts'
import { requireProgram } from '../sys/find-program.ts'
import { launch } from '../sys/launch.ts'
import { setWindowSize } from '../sys/libc.ts'
import { randomUuid } from '../sys/random-uuid.ts'
import { toolError } from '../sys/run.ts'
import { runtimeNote } from './oci-runtime.ts'
import { runtimeError } from './runtime-error.ts'

export interface ExecCommand {
  readonly layout: Layout
  /** Name or path of the OCI runtime. Default `crun`. */
  readonly runtime?: string
  readonly id: string
  readonly command: readonly string[]
  /** Hands on standard input; otherwise the command has none. */
  readonly stdin: boolean
  /** A terminal of its own. Standard input and output must be one. */
  readonly terminal: boolean
  /** Besides the container's own: `NAME=VALUE`. */
  readonly env?: readonly string[]
  readonly workingDir?: string
  /** Standard output goes here instead of to the caller's own. It is ended with the command's. */
  readonly output?: NodeJS.WritableStream
  /** Standard input from here instead of the caller's own. */
  readonly input?: NodeJS.ReadableStream
  /** Is given a function to call at each change of the terminal's size. */
  readonly onResize?: (listener: (rows: number, columns: number) => void) => void
  /**
   * Why the command could not be started is left to the OCI runtime to tell, on the standard error that it shares with a
   * command without a terminal: the exit status is returned. Default: it fails.
   */
  readonly runtimeTells?: boolean
  readonly passSignals?: (to: (signal: NodeJS.Signals) => void) => void
}

/** How the OCI runtime ends when it could not start the command: crun by 255, runc by 1. */
const RUNTIME_FAILED = new Set([255, 1, 126, 127])

/**
 * The command's own exit status; 128 + n after signal n. Fails with codes `CommandNotFound` (exit status 127),
 * `CommandNotExecutable` (126) and others when the command could not be started.
 */
export async function execCommand(options: ExecCommand): Promise<number> {
  const { layout, id } = options
  const program = launcher(options)
  const bundle = layout.bundleDir(id)
  const logFile = `${bundle}/exec-${randomUuid()}`
  const processFile = `${logFile}.json`
  writeFileSync(processFile, JSON.stringify(processOf(bundle, options)), { mode: 0o600 })
  const args = ['--root', layout.runtimeRoot, '--log', logFile, '--log-format', 'json', 'exec']
  args.push('--process', processFile)
  const pidFile = `${logFile}.pid`
  args.push('--pid-file', pidFile, id)
  let child: Started | undefined
  const early: NodeJS.Signals[] = []
  const pass = (signal: NodeJS.Signals) => {
    if (child === undefined) early.push(signal)
    // The OCI runtime would tell the command alone: what that has started would stay, and hold the caller's pipes open.
    else if (!signalGroup(Number(readText(pidFile)), signal)) child.kill(signal)
  }
  options.passSignals?.(pass)
  try {
    const isPiped = options.input !== undefined || options.output !== undefined
    child = isPiped ? startPiped(program, args, options) : await startInherited(program, args, options)
    for (const signal of early) pass(signal)
    // crun takes the size of the terminal over when it starts, and not again.
    options.onResize?.((rows, columns) => resizeTerminal(Number(readText(pidFile)), rows, columns))
    const status = await child.ended
    const log = RUNTIME_FAILED.has(status) ? readText(logFile) : ''
    if (log === '') return status
    const error = execError(log, id)
    if (options.runtimeTells && !options.terminal) return error.exitStatus
    throw error
  } finally {
    rmSync(logFile, { force: true })
    rmSync(processFile, { force: true })
    rmSync(pidFile, { force: true })
  }
}

interface Started {
  /** Exit status; 128 + n after signal n. */
  readonly ended: Promise<number>
  kill(signal: NodeJS.Signals): void
}

type Streams = Pick<ExecCommand, 'stdin' | 'terminal' | 'input' | 'output'>

/** On the caller's own terminal or pipes: without the streams of Node.js, which take a command milliseconds to load. */
async function startInherited(
  program: string,
  args: readonly string[],
  { stdin, terminal }: Streams,
): Promise<Started> {
  try {
    const { pid, ended } = await launch({
      program,
      args,
      files: [stdin ? 0 : null, 1, terminal ? null : 2],
      cwd: '/',
      // Without a terminal of its own, Ctrl-C would reach it from the caller's terminal and once more as what is passed on.
      newSession: !terminal,
    })
    return { ended, kill: signal => void sendSignal(pid, signal) }
  } catch (error) {
    throw toolError(program, error)
  }
}

function startPiped(program: string, args: readonly string[], { stdin, terminal, input, output }: Streams): Started {
  const child = spawn(program, args, {
    stdio: [
      input ? 'pipe' : stdin ? 'inherit' : 'ignore',
      output ? 'pipe' : 'inherit',
      terminal ? 'ignore' : 'inherit',
    ],
    cwd: '/',
    detached: !terminal,
  })
  if (input && child.stdin) {
    // A command that ends before its input does is not the caller's mistake.
    child.stdin.on('error', () => {})
    input.pipe(child.stdin)
  }
  if (output && child.stdout) child.stdout.pipe(output)
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', error => reject(toolError(program, error)))
    // A process left behind in the container may hold the pipes, so with inherited ones their end is not waited for.
    child.on(output ? 'close' : 'exit', (code, signal) => resolve(code ?? 128 + osConstants.signals[signal!]))
  })
  return { ended, kill: signal => void child.kill(signal) }
}

/** The read-only mount of crun, where there is one, spares it a copy of itself at each start. */
function launcher({ layout, runtime = 'crun', id }: ExecCommand): string {
  const own = readText(runtimeNote(layout.bundleDir(id)))
  if (own !== '') return own
  const program = requireProgram(runtime)
  return program.endsWith('/crun') && existsSync(layout.crun) ? layout.crun : program
}

/** The container's own process with another command: same user, capabilities, variables, limits. */
function processOf(bundle: string, { command, terminal, env = [], workingDir }: ExecCommand): object {
  const config = JSON.parse(readFileSync(`${bundle}/config.json`, 'utf8')) as { readonly process: ProcessSpec }
  const replaced = new Set(env.map(variable => variable.split('=')[0]))
  const kept = config.process.env.filter(variable => !replaced.has(variable.split('=')[0]))
  return {
    ...config.process,
    args: command,
    terminal,
    env: [...kept, ...env],
    ...(workingDir === undefined ? {} : { cwd: workingDir }),
  }
}

interface ProcessSpec {
  readonly env: readonly string[]
}

/** The process group that the OCI runtime began for the command: all that has not begun one of its own. False before there is one. */
function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  if (!(pid > 0)) return false
  // Number and name come first, and the name may hold spaces and brackets. Source: proc_pid_stat(5).
  const fields = readText(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ')
  const group = Number(fields[2])
  if (!(group > 1) || group === ownGroup()) return false
  return sendSignal(-group, signal)
}

/** Whether there was anybody to get it. */
function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

function ownGroup(): number {
  return Number(
    readText('/proc/self/stat')
      .replace(/^.*\) /s, '')
      .split(' ')[2],
  )
}

/** By way of the command's own terminal; one that has ended or has closed it needs no size any more. */
function resizeTerminal(pid: number, rows: number, columns: number): void {
  if (pid <= 0) return
  try {
    const fd = openSync(`/proc/${pid}/fd/0`, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK)
    try {
      setWindowSize(fd, rows, columns)
    } finally {
      closeSync(fd)
    }
  } catch {
    // Nothing to tell it to.
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

function execError(log: string, id: string): KubeError {
  const error = runtimeError(log.split('\n').at(-1) ?? log, id)
  const exitStatus = error.code === 'CommandNotFound' ? 127 : error.code === 'CommandNotExecutable' ? 126 : 1
  return new KubeError(error.code, error.message, {
    exitStatus,
    ...(error.cause === undefined ? {} : { cause: error.cause }),
  })
}
