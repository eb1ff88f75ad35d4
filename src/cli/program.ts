/** The command line: verbs, options and help. What a verb does is loaded when it is called. */
import { Command, CommanderError, Option } from 'commander'
import { KubeError } from '../diagnostic.ts'
import type { Context, GlobalOptions, Io } from './context.ts'
import { errorJson, renderError } from './render.ts'
import { VERSION } from './version.ts'

/** A verb module's entry: positional arguments, options, context; the exit status, 0 when absent. */
type Entry = (args: never, options: never, context: Context) => Promise<number | undefined>

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
  })
  program.configureOutput({ writeOut: io.out, writeErr: io.err })
  try {
    await program.parseAsync(argv, { from: 'user' })
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
export function buildProgram(run: Run): Command {
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

  /** Adds a verb. The last two parameters commander gives an action are its options and the command. */
  const verb = (usage: string, description: string, load: () => Promise<Entry>): Command =>
    program
      .command(usage)
      .description(description)
      .action(async (...parameters: unknown[]) => {
        const command = parameters.at(-1) as Command
        await run(await load(), command, parameters.slice(0, -2))
      })

  const namespace = () => new Option('-n, --namespace <name>', 'namespace of objects that name none').default('default')
  const output = (...formats: string[]) => new Option('-o, --output <format>', formats.join('|'))

  verb(
    'play <files...>',
    'run the pods of manifests: files, directories, URLs or - for standard input',
    async () => (await import('./play.ts')).runPlay as Entry,
  )
    .addOption(namespace())
    .option('--app <name>', 'name of the app (default: from the file)')
    .option('--replace', 'make everything again, even what did not change')
    .option('-q, --quiet', 'no progress')
    .addOption(output('json'))

  verb(
    'plan <files...>',
    'show what play would make, without touching anything',
    async () => (await import('./plan.ts')).runPlan as Entry,
  )
    .addOption(namespace())
    .addOption(output('json', 'yaml'))

  verb(
    'down <targets...>',
    'stop and remove what a manifest made, by file or by app name',
    async () => (await import('./down.ts')).runDown as Entry,
  )
    .addOption(namespace())
    .option('--grace-period <seconds>', "seconds before SIGKILL (default: the pod's own)", seconds)
    .addOption(output('json'))

  verb('ps', 'list containers', async () => (await import('./ps.ts')).runPs)
    .alias('pods')
    .addOption(output('json'))

  return program
}

function seconds(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > 2 ** 31)
    throw new KubeError('Usage', `not a number of seconds: ${text}`, { exitStatus: 2 })
  return value
}
