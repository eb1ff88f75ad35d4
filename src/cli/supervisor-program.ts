/**
 * The program that only supervises: what monitors start when a container has ended. Somebody waits for the container's
 * next run, so it is without the declarations of all other verbs.
 */
import { causeChain } from '../diagnostic.ts'
import type { Context, GlobalOptions, Io } from './context.ts'

const OPTIONS = new Map([
  ['--root', 'root'],
  ['--runroot', 'runroot'],
  ['--runtime', 'runtime'],
])

/** What a command line says that has `supervise` as its last word and nothing but these options before it. */
export function supervisorOptions(argv: readonly string[]): GlobalOptions | undefined {
  if (argv.at(-1) !== 'supervise' || argv.length % 2 === 0) return undefined
  const given: Record<string, string> = {}
  for (let i = 0; i < argv.length - 1; i += 2) {
    const name = OPTIONS.get(argv[i]!)
    if (name === undefined) return undefined
    given[name] = argv[i + 1]!
  }
  return { ...given, logLevel: 'warn', logFormat: 'text' }
}

/** Runs it to its end; returns the exit status. */
export async function runSupervisor(
  globals: GlobalOptions,
  io: Io,
  contextFor: (globals: GlobalOptions) => Context,
): Promise<number> {
  try {
    const { runSupervise } = await import('./supervise.ts')
    return await runSupervise([], {}, contextFor(globals))
  } catch (error) {
    io.err(`kube: supervise: ${causeChain(error)}\n`)
    return 1
  }
}
