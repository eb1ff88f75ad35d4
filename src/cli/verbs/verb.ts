/** How verbs are declared: one table for each theme, what a verb does is imported when it is called. */
import { type Command, Option } from 'commander'
import { KubeError } from '../../diagnostic.ts'
import type { Context } from '../context.ts'

/** A verb module's entry: positional arguments, options, context; the exit status, 0 when absent. */
export type Entry = (args: never, options: never, context: Context) => Promise<number | undefined>

/** Adds a verb to the program and returns its command, for its options. */
export type AddVerb = (
  usage: string,
  description: string,
  load: () => Promise<Entry>,
  options?: { readonly hidden?: boolean },
) => Command

export function namespaceOption(description = 'namespace of objects that name none'): Option {
  // As for kubectl, an empty one is as good as none: scripts have `-n "$NAMESPACE"`.
  return new Option('-n, --namespace <name>', description).default('default').argParser(name => name || 'default')
}

export function outputOption(...formats: readonly string[]): Option {
  return new Option('-o, --output <format>', formats.join('|'))
}

/** An option given several times: all its values. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}

export function seconds(text: string): number {
  return wholeNumber(text, 'seconds')
}

/** Fails with exit status 2 for what is not a number of `things`, 0 or more. */
export function wholeNumber(text: string, things: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > 2 ** 31)
    throw new KubeError('Usage', `not a number of ${things}: ${text}`, { exitStatus: 2 })
  return value
}
