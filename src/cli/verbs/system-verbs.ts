/** Verbs about the machine and kube's own state: `kube system check`. */
import type { Command, Option } from 'commander'
import type { PlaceOf } from '../completion.ts'
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
    'whether this machine has what kube needs, and what it keeps there is whole; exit status 1 when not',
    async () => (await import('../system-check.ts')).runSystemCheck as Entry,
  )
    .option('--repair', 'put the last backup of damaged records back, and make a damaged index of images anew')
    .addOption(outputOption('json'))

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
        runComplete(words, placesOf(program), context)
      return complete as Entry
    },
    { hidden: true },
  )
}

/** Follows the words through verbs and options. */
function placesOf(program: Command): PlaceOf {
  return words => {
    let command = program
    let option: Option | undefined
    let namespace: string | undefined
    const args: string[] = []
    for (const word of words) {
      const open = option
      option = undefined
      if (open) {
        if (open.long === '--namespace') namespace = word
      } else if (word === '--') return undefined
      else if (word.startsWith('-') && word !== '-') option = awaiting(word, [...command.options, ...program.options])
      else {
        const next = args.length === 0 ? command.commands.find(candidate => candidate.name() === word) : undefined
        if (next) command = next
        else args.push(word)
      }
    }
    const shown = [...command.options, ...(command === program ? [] : program.options)].filter(({ hidden }) => !hidden)
    return {
      verb: pathOf(command),
      verbs:
        args.length > 0
          ? []
          : command
              .createHelp()
              .visibleCommands(command)
              .map(candidate => candidate.name()),
      options: shown.flatMap(({ long }) => long ?? []),
      args,
      ...(namespace === undefined ? {} : { namespace }),
      ...(option === undefined ? {} : { option: { name: option.long ?? '', values: valuesOf(option) } }),
    }
  }
}

/** The option that waits for the next word as its value. */
function awaiting(word: string, options: readonly Option[]): Option | undefined {
  const option = options.find(({ long, short }) => long === word || short === word)
  return option?.required ? option : undefined
}

/** `rollout status`, without the program's own name. */
function pathOf(command: Command): string {
  return command.parent === null ? '' : `${pathOf(command.parent)} ${command.name()}`.trim()
}

/** Its choices; formats are what its description lists. */
function valuesOf({ argChoices, long, description }: Option): readonly string[] {
  if (argChoices) return argChoices
  return long === '--output' ? description.split('|').map(format => format.replace(/=.*/, '=')) : []
}
