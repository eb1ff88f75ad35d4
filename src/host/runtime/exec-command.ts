/**
 * Another command in a running container. What it gets are pipes, or a terminal that the OCI runtime makes in the container,
 * never a descriptor of the caller's: a program there could write to a file that was given for reading, and what it leaves
 * behind could read a terminal for ever. Source: crun(1), runc-exec(8).
 */
import { closeSync, constants, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import type { Layout } from '../layout.ts'
import { requireProgram } from '../sys/find-program.ts'
import { launch } from '../sys/launch.ts'
import { setWindowSize } from '../sys/libc.ts'
import { randomUuid } from '../sys/random-uuid.ts'
import { Relay } from '../sys/relay.ts'
import { toolError } from '../sys/run.ts'
import { runtimeNote } from './oci-runtime.ts'
import { runtimeError } from './runtime-error.ts'

export interface ExecCommand {
  readonly layout: Layout
  /** Name or path of the OCI runtime. Default `crun`. */
  readonly runtime?: string
  readonly id: string
  readonly command: readonly string[]
  /** Passes on standard input, the caller's own or these bytes; otherwise the command's is at its end. */
  readonly stdin: boolean | AsyncIterable<Uint8Array>
  /** A terminal of its own. Standard input and output must be one. */
  readonly terminal: boolean
  /** Besides the container's own: `NAME=VALUE`. */
  readonly env?: readonly string[]
  readonly workingDir?: string
  /** Standard output goes here instead of to the caller's own. The command is killed when this throws. */
  readonly output?: (bytes: Buffer) => void
  /** Kills the command. */
  readonly signal?: AbortSignal
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
 * `CommandNotExecutable` (126) and others when the command could not be started, and `Interrupted` at the signal.
 */
export async function execCommand(options: ExecCommand): Promise<number> {
  const { layout, id, signal } = options
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
  const pass = (name: NodeJS.Signals) => {
    if (child === undefined) early.push(name)
    else child.kill(name)
  }
  const kill = () => pass('SIGKILL')
  options.passSignals?.(pass)
  signal?.addEventListener('abort', kill)
  try {
    if (signal?.aborted) throw interrupted()
    const runtime = { program, args, pidFile }
    child = options.terminal ? await startOnTerminal(runtime, options) : await startPiped(runtime, options, kill)
    for (const name of early) pass(name)
    // crun takes the size of the terminal over when it starts, and not again.
    options.onResize?.((rows, columns) => resizeTerminal(Number(readText(pidFile)), rows, columns))
    const status = await child.ended
    if (signal?.aborted) throw interrupted()
    const log = RUNTIME_FAILED.has(status) ? readText(logFile) : ''
    if (log === '') return status
    const error = execError(log, id)
    if (options.runtimeTells && !options.terminal) return error.exitStatus
    throw error
  } finally {
    signal?.removeEventListener('abort', kill)
    rmSync(logFile, { force: true })
    rmSync(processFile, { force: true })
    rmSync(pidFile, { force: true })
  }
}

function interrupted(): KubeError {
  return new KubeError('Interrupted', 'interrupted')
}

/** How the OCI runtime is called, and where it writes the number of the command's process. */
interface RuntimeCall {
  readonly program: string
  readonly args: readonly string[]
  readonly pidFile: string
}

interface Started {
  /** Exit status, once all output is passed on; 128 + n after signal n. */
  readonly ended: Promise<number>
  kill(signal: NodeJS.Signals): void
}

/** The OCI runtime alone has the caller's terminal, and only while it runs: it makes the command another. */
async function startOnTerminal(call: RuntimeCall, { stdin }: ExecCommand): Promise<Started> {
  const { program, args } = call
  try {
    const { pid, ended } = await launch({ program, args, files: [stdin ? 0 : null, 1, null], cwd: '/' })
    return { ended, kill: signal => tell(call, pid, signal) }
  } catch (error) {
    throw toolError(program, error)
  }
}

/** `kill` ends the command: its streams lead nowhere any more. */
async function startPiped(call: RuntimeCall, { stdin, output }: ExecCommand, kill: () => void): Promise<Started> {
  const { program, args } = call
  const input = stdin === true ? 0 : stdin === false ? undefined : stdin
  const relay = new Relay({ input, output: output ?? 1, errors: 2, onFailure: kill })
  try {
    // In a session of its own: Ctrl-C would reach it from the caller's terminal and once more as what is passed on.
    const { pid, ended } = await launch({ program, args, files: relay.files, cwd: '/', newSession: true })
    relay.start()
    let isOver = false
    return {
      ended: passedOn(ended, relay, () => {
        isOver = true
      }),
      // Who no longer waits for a reader that takes its time wants the rest as little.
      kill: signal => (isOver ? relay[Symbol.dispose]() : tell(call, pid, signal)),
    }
  } catch (error) {
    relay[Symbol.dispose]()
    throw toolError(program, error)
  }
}

async function passedOn(ended: Promise<number>, relay: Relay, over: () => void): Promise<number> {
  const status = await ended
  over()
  try {
    await relay.drain()
  } catch (cause) {
    if (cause instanceof KubeError || errnoOf(cause) === undefined) throw cause
    throw new KubeError('StreamFailed', 'passing on what the command reads and writes', { cause })
  }
  return status
}

/** The command and what it has started, which the OCI runtime, whose own number is `pid`, would not tell. */
function tell({ pidFile }: RuntimeCall, pid: number, signal: NodeJS.Signals): void {
  if (!signalGroup(Number(readText(pidFile)), signal)) sendSignal(pid, signal)
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
