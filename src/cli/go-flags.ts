/** Flags as Go programs take them: `--start=false`, and `--tls-verify` that does not take the next word for its value. */
import type { Command, Option } from 'commander'

/** The same line as commander understands it, for the options of one command. What follows `--` stays as it is. */
export function goFlags(argv: readonly string[], command: Command): readonly string[] {
  const byName = new Map(command.options.flatMap(option => (option.long ? [[option.long, option] as const] : [])))
  const end = argv.indexOf('--')
  const own = end < 0 ? argv : argv.slice(0, end)
  return [...own.flatMap(word => spelled(word, byName)), ...argv.slice(own.length)]
}

function spelled(word: string, byName: ReadonlyMap<string, Option>): readonly string[] {
  const [name = '', value] = word.split('=', 2)
  const option = byName.get(name)
  if (!option || !name.startsWith('--')) return [word]
  if (option.flags.endsWith('[bool]')) return [value === undefined ? `${name}=true` : word]
  if (option.required || option.optional || (value !== 'true' && value !== 'false')) return [word]
  return value === 'true' ? [name] : []
}
