/** The program: arguments in, exit status out. The only file that touches the process. */
import { buffer } from 'node:stream/consumers'
import type { Context, GlobalOptions, Io } from './cli/context.ts'
import type { HeldHost } from './cli/held-host.ts'
import { isTerminal, writeAll } from './cli/standard-streams.ts'
import { runSupervisor, supervisorOptions } from './cli/supervisor-program.ts'
import { KubeError } from './diagnostic.ts'

const { argv, env } = process

const io: Io = {
  out: text => print(text),
  // Nobody reads the errors: no reason to stop.
  err: text => void writeAll(2, text),
  write: async bytes => print(bytes),
  // Standard input is opened by being named, which takes milliseconds: only where it is needed.
  input: () => process.stdin,
  readInput(path) {
    if (path === undefined) catchSignals()
    return Promise.race([readInput(path), interruption()])
  },
  get outIsTerminal() {
    return isTerminal(1)
  },
  get errIsTerminal() {
    return isTerminal(2)
  },
  get inIsTerminal() {
    return isTerminal(0)
  },
  get columns() {
    return isTerminal(1) ? process.stdout.columns : 80
  },
  onResize(listener) {
    if (!isTerminal(1)) return
    const { stdout } = process
    stdout.on('resize', () => listener(stdout.rows, stdout.columns))
  },
  get rows() {
    return isTerminal(1) ? process.stdout.rows : 24
  },
  // Source: no-color.org; FORCE_COLOR as Node.js takes it.
  get colour() {
    if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false
    if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0') return true
    return isTerminal(1) && env.TERM !== 'dumb'
  },
  get cwd() {
    try {
      return process.cwd()
    } catch {
      throw new KubeError('NoDirectory', 'the current directory was removed', { hint: 'go to another one' })
    }
  },
  env,
}

async function readInput(path: string | undefined): Promise<Uint8Array> {
  if (process.platform !== 'linux' && path === undefined) return buffer(process.stdin)
  return (await import('./cli/standard-input.ts')).readInput(path)
}

/** Fails when the command is interrupted, if by then it has anything to end in good order. */
function interruption(): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  const end = () => reject(new KubeError('Interrupted', 'interrupted'))
  abort.signal.addEventListener('abort', end, { once: true })
  return promise
}

/** A reader that closes its end (`kube logs | head`) ends the command without a word, as the shell expects. */
function print(content: string | Uint8Array): void {
  if (!writeAll(1, content)) process.exit(141)
}

const abort = new AbortController()
let pass: ((signal: NodeJS.Signals) => void) | undefined
let interruptedBy: NodeJS.Signals | undefined

/** Conventional exit status of a command ended by a signal. */
const SIGNAL_STATUS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

let host: Promise<HeldHost> | undefined

let catching = false

/**
 * Only once a command has something to end in good order: until then, however long it takes to read and check a manifest,
 * a signal ends it at once, as it ends any program.
 */
function catchSignals(): void {
  if (catching) return
  catching = true
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (pass) return pass(signal)
      // The second time, whoever asks has waited long enough; what is left is found by the next command.
      if (interruptedBy) process.exit(SIGNAL_STATUS[signal])
      interruptedBy = signal
      abort.abort()
    })
  }
}

function contextFor(globals: GlobalOptions): Context {
  return {
    io,
    globals,
    get signal() {
      catchSignals()
      return abort.signal
    },
    host({ alone } = {}) {
      catchSignals()
      host ??= import('./cli/held-host.ts').then(({ openHeldHost }) =>
        openHeldHost({ ...globals, command: [process.execPath, ...process.execArgv, argv[1]!] }, alone),
      )
      return host
    },
    async detach(commands) {
      const { respawn } = await import('./cli/respawn.ts')
      respawn(commands, globals)
    },
    passSignals(to) {
      catchSignals()
      pass = to
    },
  }
}

async function run(args: readonly string[]): Promise<number> {
  const supervisor = supervisorOptions(args)
  if (supervisor) return runSupervisor(supervisor, io, contextFor)
  const { runProgram } = await import('./cli/program.ts')
  return runProgram(args, io, contextFor)
}

async function end(open: HeldHost): Promise<void> {
  await open.finish()
  if (interruptedBy && open.isResetUnderWay())
    io.err('kube: stopped by `kube system reset`, which removes everything\n')
}

/** A failure that nobody waited for, in words that everybody can read; what was begun is found by the next command. */
async function fail(error: unknown): Promise<void> {
  const { renderError } = await import('./cli/render.ts')
  io.err(renderError(io, error))
  process.exit(1)
}

async function main(): Promise<void> {
  process.once('uncaughtException', fail)
  let status = await run(argv.slice(2))
  if (host) await host.then(end).catch(() => {})
  if (interruptedBy && status !== 0) status = SIGNAL_STATUS[interruptedBy as keyof typeof SIGNAL_STATUS]
  // At once and without closing anything: the kernel does, and the databases are whole at any moment.
  process.exit(status)
}

// A function, because the bundled command is a script, which has no top-level await.
void main()
