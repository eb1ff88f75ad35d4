/** Verbs about the machine and kube's own state: `kube system check`. */
import type { Command } from 'commander'
import type { Grammar } from '../completion.ts'
import type { Context } from '../context.ts'
import { type AddVerb, type Entry, outputOption } from './verb.ts'

export function addSystemVerbs(verbIn: (group: string, description: string) => AddVerb): void {
  const verb = verbIn('system', 'look after this machine: info, df, check, prune, reset')

  verb(
    'info',
    'where everything is and how much there is',
    async () => (await import('../system-info.ts')).runSystemInfo,
  ).addOption(outputOption('yaml', 'json'))

  verb('df', 'what takes how much of the disk', async () => (await import('../system-df.ts')).runSystemDf).addOption(
    outputOption('json'),
  )

  verb(
    'check',
    'whether this machine has what kube needs; exit status 1 when not',
    async () => (await import('../system-check.ts')).runSystemCheck,
  ).addOption(outputOption('json'))

  verb(
    'prune',
    'remove what killed commands left behind',
    async () => (await import('../system-prune.ts')).runSystemPrune as Entry,
  )
    .option('--dry-run', 'only say what would be removed')
    .option('-f, --force', 'does nothing: there is no question to be answered')
    .addOption(outputOption('json'))

  verb(
    'reset',
    'remove everything: pods, images, volumes, records',
    async () => (await import('../system-reset.ts')).runSystemReset as Entry,
  ).option('-f, --force', 'really')
}

export function addCompletionVerbs(verb: AddVerb, program: Command): void {
  verb(
    'completion <shell>',
    'print what makes bash, zsh or fish complete: source <(kube completion bash)',
    async () => (await import('../completion.ts')).runCompletion as Entry,
  )

  verb(
    '__complete [words...]',
    'what a shell asks when Tab is pressed',
    async () => {
      const { runComplete } = await import('../completion.ts')
      const complete = ([words]: [readonly string[]], _options: object, context: Context) =>
        runComplete(words, grammarOf(program), context)
      return complete as Entry
    },
    { hidden: true },
  )
}

function grammarOf(program: Command): Grammar {
  return {
    verbs: program
      .createHelp()
      .visibleCommands(program)
      .map(command => command.name()),
    optionsOf: verb => {
      const command = program.commands.find(candidate => candidate.name() === verb)
      return [...(command?.options ?? []), ...program.options].flatMap(({ long }) => long ?? [])
    },
  }
}
