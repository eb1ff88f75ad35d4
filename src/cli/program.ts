/** The command line: verbs, options and help. What a verb does is loaded when it is called. */
import { Command, CommanderError, Option } from 'commander'
import { KubeError } from '../diagnostic.ts'
import type { Context, GlobalOptions, Io } from './context.ts'
import { goFlags } from './go-flags.ts'
import { errorJson, renderError } from './render.ts'
import { addFollowVerbs } from './verbs/follow-verbs.ts'
import { addImageVerbs } from './verbs/image-verbs.ts'
import { addLookVerbs } from './verbs/look-verbs.ts'
import { addMakeVerbs } from './verbs/make-verbs.ts'
import { addManifestVerbs } from './verbs/manifest-verbs.ts'
import { addPlayVerb, addRunVerbs } from './verbs/run-verbs.ts'
import { addCompletionVerbs, addSystemVerbs } from './verbs/system-verbs.ts'
import { type AddVerb, type Entry, outputOption } from './verbs/verb.ts'
import { addVolumeVerbs } from './verbs/volume-verbs.ts'
import { addWorkloadVerbs } from './verbs/workload-verbs.ts'
import { VERSION } from './version.ts'

/** Parses and runs one command line. Never throws: every failure is told on standard error. */
export async function runProgram(
  argv: readonly string[],
  io: Io,
  contextFor: (globals: GlobalOptions) => Context,
): Promise<number> {
  let status = 0
  const program = buildProgram(async (entry, command, args) => {
    const options = command.optsWithGlobals()
    status = (await entry(args as never, options as never, contextFor(options as GlobalOptions))) ?? 0
  }, argv)
  program.configureOutput({ writeOut: io.out, writeErr: io.err })
  try {
    const command = commandOfLine(program, argv)
    await program.parseAsync([...(command ? goFlags(argv, command) : argv)], { from: 'user' })
    return status
  } catch (error) {
    // Commander has told its own already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const globals = program.opts() as GlobalOptions
    io.err(
      globals.logFormat === 'json' ? errorJson(error) : renderError(io, error, { debug: globals.logLevel === 'debug' }),
    )
    return error instanceof KubeError ? error.exitStatus : 1
  }
}

type Run = (entry: Entry, command: Command, args: readonly unknown[]) => Promise<void>

/** A program whose verbs call `run`. */
export function buildProgram(run: Run, argv: readonly string[] = []): Command {
  const program = new Command('kube')
    .description('Runs Kubernetes YAML as real pods on this machine, and turns running pods back into YAML.')
    .version(VERSION, '-v, --version')
    .option('--root <dir>', 'where images, volumes and records are (default: /var/lib/kube, or ~/.local/share/kube)')
    .option('--runroot <dir>', 'where run-time state is (default: /run/kube, or $XDG_RUNTIME_DIR/kube)')
    .option('--runtime <name>', 'OCI runtime (default: crun)')
    .addOption(new Option('--log-level <level>').choices(['debug', 'info', 'warn', 'error']).default('warn'))
    .addOption(new Option('--log-format <format>').choices(['text', 'json']).default('text'))
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: false, sortSubcommands: false })
    .exitOverride()

  /** Adds verbs to a command. The last two parameters commander gives an action are its options and the command. */
  const verbOf =
    (parent: Command): AddVerb =>
    (usage, description, load, options = {}) =>
      parent
        .command(usage, options)
        .description(description)
        .action(async (...parameters: unknown[]) => {
          const command = parameters.at(-1) as Command
          await run(await load(), command, parameters.slice(0, -2))
        })

  const verb = verbOf(program)
  const named = verbOfLine(argv)
  const isDeclared = () => program.commands.some(command => command.name() === named)
  addPlayVerb(verb)
  // Declaring the others takes a play longer than reading its manifest.
  if (isDeclared()) return program
  addRunVerbs(verb)
  if (isDeclared()) return program
  addLookVerbs(verb)
  addFollowVerbs(verb)
  addMakeVerbs(verb)
  addManifestVerbs(verb)
  const verbIn = (group: string, description: string) => verbOf(program.command(group).description(description))
  addWorkloadVerbs(verb, verbIn)
  addImageVerbs(verb, verbIn)
  addVolumeVerbs(verbIn)
  addSystemVerbs(verbIn)
  addCompletionVerbs(verb, program)
  verb('version', 'print the version', async () => (await import('./print-version.ts')).runVersion as Entry).addOption(
    outputOption('json'),
  )
  return program
}

/** The command that a line calls: `rollout status` is one of `rollout`'s. */
function commandOfLine(program: Command, argv: readonly string[]): Command | undefined {
  const verb = verbOfLine(argv)
  const command = program.commands.find(candidate => candidate.name() === verb)
  const [next] = verb === undefined ? [] : argv.slice(argv.indexOf(verb) + 1).filter(word => !word.startsWith('-'))
  return command?.commands.find(candidate => candidate.name() === next) ?? command
}

const VALUED = new Set(['--root', '--runroot', '--runtime', '--log-level', '--log-format'])

/** The verb of a command line: its first word that is neither a global option nor the value of one. */
function verbOfLine(argv: readonly string[]): string | undefined {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!
    if (VALUED.has(word)) i++
    else if (!word.startsWith('-')) return word
    else if (!word.startsWith('--')) return undefined
  }
  return undefined
}
