/** The parts of the support table that a reader needs for one kind: the paths that are not honoured. */
import { supportOf } from './table.ts'
import type { SupportState } from './types.ts'

/** A path that is not honoured. */
export interface SupportMark {
  readonly state: SupportState
  /** Property names; `*` is each item of a list or each value of a map. */
  readonly path: readonly string[]
  readonly reason: string
}

/** A definition's fields and their types: `V1PodSpec`, `[]V1Container`, `{}string`. */
export type FieldTypes = Readonly<Record<string, Readonly<Record<string, string>>>>

/** `[]V1Container` as the definition and the steps to it. */
export function stepsInto(type: string): { readonly definition: string; readonly steps: readonly string[] } {
  let rest = type
  const steps: string[] = []
  while (rest.startsWith('[]') || rest.startsWith('{}')) {
    steps.push('*')
    rest = rest.slice(2)
  }
  return { definition: rest, steps }
}

/**
 * The marks of a definition and all that is below it, without what `skip` names: parts that have marks of their own.
 * What is below a marked field has its fate and is not listed.
 */
export function marksOf(definition: string, fields: FieldTypes, skip: ReadonlySet<string>): readonly SupportMark[] {
  const marks: SupportMark[] = []
  const walk = (name: string, path: readonly string[]): void => {
    for (const [field, type] of Object.entries(fields[name] ?? {})) {
      const support = supportOf(name, field)
      if (support === undefined) continue
      const at = [...path, field]
      if (support.state !== 'honoured') marks.push({ state: support.state, path: at, reason: support.reason })
      else {
        const inner = stepsInto(type)
        if (!skip.has(inner.definition)) walk(inner.definition, [...at, ...inner.steps])
      }
    }
  }
  walk(definition, [])
  return marks
}
