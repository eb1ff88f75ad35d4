/** The support table as a list of paths: what `kube explain --support` and docs/support.md show. */
import { type KindInfo, knownKinds } from '../kinds.ts'
import { type FieldTypes, stepsInto } from './marks.ts'
import { supportOf } from './table.ts'
import type { FieldSupport } from './types.ts'

export interface ListedField {
  readonly apiVersion: string
  readonly kind: string
  /** `spec.containers[].image`; empty for a kind as a whole. */
  readonly path: string
  /** `string`, `V1PodSpec`, `[]V1Container`, `{}string`. */
  readonly type: string
  readonly state: FieldSupport['state']
  readonly reason: string
}

/** The kind's own fate, when it overrides that of its fields. */
export function kindSupport(info: KindInfo): FieldSupport | undefined {
  if (info.disposition === 'run') return undefined
  return { state: info.disposition === 'accepted' ? 'accepted' : 'refused', reason: info.reason }
}

/** Every path of a kind down to the fields that are plain values or not honoured. `stopAt` are definitions listed elsewhere. */
export function listKind(
  info: KindInfo,
  fields: FieldTypes,
  stopAt: ReadonlySet<string> = new Set(),
): readonly ListedField[] {
  const { apiVersion, kind } = info
  const whole = kindSupport(info)
  if (whole !== undefined) return [{ apiVersion, kind, path: '', type: info.model, ...whole }]
  const list: ListedField[] = []
  const walk = (definition: string, path: string): void => {
    for (const [field, type] of Object.entries(fields[definition] ?? {})) {
      const inner = stepsInto(type)
      const own = path === '' ? field : `${path}.${field}`
      const support = supportOf(definition, field) ?? { state: 'refused', reason: 'not in the support table' }
      list.push({ apiVersion, kind, path: own, type, ...support })
      const isListed = support.state === 'honoured' && !stopAt.has(inner.definition)
      if (isListed && fields[inner.definition] !== undefined)
        walk(inner.definition, own + type.slice(0, type.length - inner.definition.length).replaceAll('{}', '[]'))
    }
  }
  walk(info.model, '')
  return list
}

/** Every path of every kind. */
export function listSupport(fields: FieldTypes): readonly ListedField[] {
  return knownKinds.flatMap(info => listKind(info, fields))
}

/** Definitions that have a section of their own in the document, by what they are called there. */
const ownSections: Readonly<Record<string, string>> = {
  V1PodTemplateSpec: 'as the metadata and spec of a Pod',
  V1JobTemplateSpec: 'as the metadata and spec of a Job',
  V1ObjectMeta: 'as in every kind',
}

/** The table as Markdown. The same table gives the same text. */
export function supportMarkdown(fields: FieldTypes): string {
  const stopAt = new Set(Object.keys(ownSections))
  const lines = [
    '# What kube does with each field',
    '',
    'Generated from the support table (`npm run docs`); `kube explain --support` prints the same, `kube explain` any part of it.',
    'Fields below one that is not honoured share its fate and are not listed.',
    '',
  ]
  const metadata = Object.keys(fields.V1ObjectMeta ?? {})
  lines.push('## metadata of every kind', '', ...markdownHead)
  for (const field of metadata) lines.push(markdownRow(field, supportOf('V1ObjectMeta', field)))
  lines.push('')
  for (const info of knownKinds) {
    lines.push(`## ${info.kind} (${info.apiVersion})`, '')
    const whole = kindSupport(info)
    if (whole !== undefined) {
      lines.push(`${whole.state === 'accepted' ? 'Accepted' : 'Not acted on yet'}: ${whole.reason}.`, '')
      continue
    }
    lines.push(...markdownHead)
    for (const { path, type, state, reason } of listKind(info, fields, stopAt)) {
      const section = ownSections[stepsInto(type).definition]
      const note = state === 'honoured' && section !== undefined ? section : reason
      lines.push(markdownRow(path, { state, reason: note }))
    }
    lines.push('')
  }
  return `${lines.join('\n').trimEnd()}\n`
}

const markdownHead = ['| field | | why |', '|---|---|---|']

function markdownRow(path: string, support: FieldSupport | undefined): string {
  return `| \`${path}\` | ${support?.state ?? 'refused'} | ${support?.reason ?? 'not in the support table'} |`
}
