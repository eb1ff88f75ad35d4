/**
 * Flags as Go programs take them: `--start=false`, `-o=json`, and `--tls-verify` that does not take the next word for its
 * value. Source: github.com/spf13/pflag.
 */
import type { Command, Option } from 'commander'

/** The same line as commander understands it, for the options of one command. What follows `--` stays as it is. */
export function goFlags(argv: readonly string[], command: Command): readonly string[] {
  const byName = new Map(
    command.options.flatMap(option =>
      [option.long, option.short].flatMap(name => (name ? [[name, option] as const] : [])),
    ),
  )
  const end = argv.indexOf('--')
  const own = end < 0 ? argv : argv.slice(0, end)
  return [...own.flatMap(word => spelled(word, byName)), ...argv.slice(own.length)]
}

function spelled(word: string, byName: ReadonlyMap<string, Option>): readonly string[] {
  const [, name = word, value] = /^(--?[^=]+)=(.*)$/s.exec(word) ?? []
  const option = byName.get(name)
  if (!option) return [word]
  const isLong = name.startsWith('--')
  const { long = name } = option
  const preset = option.flags.endsWith('[bool]') ? 'true' : option.presetArg
  if (preset !== undefined) return isLong || value !== undefined ? [`${long}=${value ?? preset}`] : [word]
  if (value === undefined) return [word]
  if (option.required) return isLong ? [word] : [name, value]
  if (option.optional) return [`${long}=${value}`]
  return value === 'true' ? [name] : value === 'false' ? [] : [word]
}
