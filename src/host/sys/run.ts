/** Running another program to its end. */
import { spawn } from 'node:child_process'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import { toolMissing } from './find-program.ts'

export interface Finished {
  /** Exit status; 128 + n after signal n. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program and collects what it prints. It fails only when the program can't be started (code `ToolMissing`
 * when it isn't there); a status other than 0 is the caller's to judge. It waits for the program's end, not for its
 * pipes: a daemon it leaves behind may hold those.
 */
export function run(
  program: string,
  args: readonly string[],
  options: { readonly input?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...(options.env ? { env: options.env } : {}),
    })
    let stdout = ''
    let stderr = ''
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', error => reject(toolError(program, error)))
    child.on('close', (code, signal) => resolve({ status: code ?? 128 + signalNumber(signal), stdout, stderr }))
    if (options.input !== undefined) {
      child.stdin!.on('error', () => {})
      child.stdin!.end(options.input)
    }
  })
}

/** What a failure to start a program means, with the package that has it. */
export function toolError(program: string, error: unknown): KubeError {
  const name = program.slice(program.lastIndexOf('/') + 1)
  if (errnoOf(error) === 'ENOENT') return toolMissing(name)
  return new KubeError(errnoOf(error) ?? 'Failed', `cannot run ${program}`, { cause: error })
}

const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : (SIGNALS[signal] ?? 0)
}
