/** `kube explain`: a field's documentation, type, default and support; a diagnostic's code; the support table. */
import { KubeError } from '../diagnostic.ts'
import { diagnosticCodes } from '../manifest/codes.ts'
import { type DefinitionDocs, loadDocumentation, loadFieldTypes } from '../manifest/documentation.ts'
import { findKindByName, type KindInfo, knownKinds } from '../manifest/kinds.ts'
import { nearest } from '../manifest/suggest.ts'
import { kindSupport, listSupport, supportMarkdown } from '../manifest/support/listing.ts'
import { type FieldTypes, stepsInto } from '../manifest/support/marks.ts'
import { supportOf } from '../manifest/support/table.ts'
import type { FieldSupport } from '../manifest/support/types.ts'
import type { Io } from './context.ts'
import { paint } from './render.ts'

export interface ExplainOptions {
  readonly support?: boolean
  readonly recursive?: boolean
  readonly apiVersion?: string
  readonly output?: string
}

/** Exit status 2 for a kind, field or code that does not exist. */
export async function runExplain(
  [target]: readonly [string | undefined],
  options: ExplainOptions,
  { io }: { readonly io: Pick<Io, 'out' | 'colour'> },
): Promise<number> {
  const fields = await loadFieldTypes()
  if (options.support === true) io.out(supportText(fields, options.output ?? 'markdown'))
  else if (target === undefined) io.out(overview())
  else if (diagnosticCodes[target] !== undefined) io.out(codeText(io, target))
  else io.out(await fieldText(io, target, options, fields))
  return 0
}

function supportText(fields: FieldTypes, output: string): string {
  if (output === 'json') return `${JSON.stringify({ fields: listSupport(fields) }, undefined, 2)}\n`
  if (output === 'markdown') return supportMarkdown(fields)
  throw new KubeError('Usage', `unknown output format ${output}: json or markdown`, { exitStatus: 2 })
}

function overview(): string {
  const kinds = knownKinds.map(info => {
    const support = kindSupport(info)
    return `  ${info.kind} (${info.apiVersion})${support === undefined ? '' : `: ${support.state}, ${support.reason}`}`
  })
  const codes = Object.keys(diagnosticCodes).map(code => `  ${code}`)
  return `Kinds (kube explain pod.spec.containers):\n${kinds.join('\n')}\n\nCodes (kube explain FieldUnknown):\n${codes.join('\n')}\n`
}

function codeText(io: { readonly colour: boolean }, code: string): string {
  const help = diagnosticCodes[code]
  const parts = [`${paint(io, 'bold', code)}\n\n${wrap(help?.meaning ?? '', 0)}`]
  if (help?.bad !== undefined) parts.push(`${paint(io, 'red', 'Wrong:')}\n\n${indent(help.bad)}`)
  if (help?.good !== undefined) parts.push(`${paint(io, 'green', 'Right:')}\n\n${indent(help.good)}`)
  return parts.join('\n')
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '    ')
}

/** Words in lines of at most 100 columns. */
function wrap(text: string, margin: number): string {
  const pad = ' '.repeat(margin)
  let out = ''
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && margin + line.length + 1 + word.length > 100) {
      out += `${pad}${line}\n`
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return line === '' ? out : `${out}${pad}${line}\n`
}

interface Found {
  readonly info: KindInfo
  /** The names, without indexes. */
  readonly path: readonly string[]
  readonly type: string
  /** The definition that has the field, and its name; absent for a whole kind. */
  readonly owner?: string
  readonly field?: string
  readonly support: FieldSupport
}

const honoured: FieldSupport = { state: 'honoured', reason: '' }

function findField(target: string, apiVersion: string | undefined, fields: FieldTypes): Found {
  const [name = '', ...rest] = target.split('.').map(step => step.replace(/\[[^\]]*\]/g, ''))
  const info = findKindByName(name, apiVersion)
  if (info === undefined) throw unknown(`no kind ${JSON.stringify(name)}`, name, kindNames())
  let found: Found = { info, path: [], type: info.model, support: kindSupport(info) ?? honoured }
  for (const step of rest.filter(part => part !== '')) {
    const { definition } = stepsInto(found.type)
    const type = fields[definition]?.[step]
    if (type === undefined) {
      const place = [info.kind, ...found.path].join('.')
      throw unknown(`${place} has no field ${JSON.stringify(step)}`, step, Object.keys(fields[definition] ?? {}))
    }
    const own = found.support.state === 'honoured' ? supportOf(definition, step) : undefined
    found = { info, path: [...found.path, step], type, owner: definition, field: step, support: own ?? found.support }
  }
  return found
}

function kindNames(): readonly string[] {
  return [...knownKinds.flatMap(info => [info.kind.toLowerCase(), info.plural]), ...Object.keys(diagnosticCodes)]
}

function unknown(message: string, name: string, candidates: readonly string[]): KubeError {
  const similar = nearest(name, candidates)
  const hint = similar === undefined ? '`kube explain` lists all kinds and codes' : `did you mean ${similar}?`
  return new KubeError('NotFound', message, { exitStatus: 2, hint })
}

async function fieldText(
  io: { readonly colour: boolean },
  target: string,
  options: ExplainOptions,
  fields: FieldTypes,
): Promise<string> {
  const found = findField(target, options.apiVersion, fields)
  const docs = await loadDocumentation()
  const { definition } = stepsInto(found.type)
  const own = docs[definition]
  const description =
    found.owner === undefined ? own?.description : docs[found.owner]?.fields[found.field ?? ''] || own?.description
  const isRequired = docs[found.owner ?? '']?.required.includes(found.field ?? '') === true
  const title = (name: string): string => paint(io, 'bold', name.padEnd(10))
  const lines = [
    `${title('KIND')}${found.info.kind}`,
    `${title('VERSION')}${found.info.apiVersion}`,
    ...(found.field === undefined
      ? []
      : [`${title('FIELD')}${found.path.join('.')} <${typeLabel(found.type)}>${isRequired ? ' -required-' : ''}`]),
  ]
  const standard = defaultIn(description ?? '')
  if (found.field !== undefined && standard !== undefined) lines.push(`${title('DEFAULT')}${standard}`)
  const { state, reason } = found.support
  lines.push(`${title('SUPPORT')}${state}${reason === '' ? '' : `: ${reason}`}`)
  lines.push('', paint(io, 'bold', 'DESCRIPTION'), wrap(description ?? '', 2).trimEnd())
  const children = Object.entries(fields[definition] ?? {})
  if (children.length > 0) {
    lines.push('', paint(io, 'bold', 'FIELDS'))
    const context = { docs, fields, isRecursive: options.recursive === true, inherited: found.support }
    lines.push(...childLines(definition, context, 0, new Set()))
  }
  return `${lines.join('\n')}\n`
}

type Docs = Readonly<Record<string, DefinitionDocs>>

interface ChildContext {
  readonly docs: Docs
  readonly fields: FieldTypes
  readonly isRecursive: boolean
  readonly inherited: FieldSupport
}

function childLines(
  definition: string,
  context: ChildContext,
  depth: number,
  open: ReadonlySet<string>,
): readonly string[] {
  const { docs, fields, isRecursive, inherited } = context
  return Object.entries(fields[definition] ?? {}).flatMap(([name, type]) => {
    const required = docs[definition]?.required.includes(name) === true ? ' -required-' : ''
    const own = inherited.state === 'honoured' ? supportOf(definition, name) : undefined
    const support = own ?? inherited
    const mark = support.state === 'honoured' ? '' : ` (${support.state}: ${support.reason})`
    const head = `${' '.repeat(2 + 2 * depth)}${name} <${typeLabel(type)}>${required}${mark}`
    if (!isRecursive) {
      const text = docs[definition]?.fields[name] ?? ''
      return [head, ...(text === '' ? [] : [wrap(firstSentence(text), 4).trimEnd()])]
    }
    const inner = stepsInto(type).definition
    if (open.has(inner) || fields[inner] === undefined) return [head]
    const below = { ...context, inherited: support }
    return [head, ...childLines(inner, below, depth + 1, new Set([...open, inner]))]
  })
}

function firstSentence(text: string): string {
  const end = /\.(\s|$)/.exec(text)
  return end === null ? text : text.slice(0, end.index + 1)
}

/** `[]V1Container` as kubectl has it: `[]Container`. */
function typeLabel(type: string): string {
  const { definition } = stepsInto(type)
  const prefix = type.slice(0, type.length - definition.length).replaceAll('{}', 'map[string]')
  return prefix + definition.replace(/^([A-Z][a-z]+)?V\d+(alpha\d+|beta\d+)?(?=[A-Z])/, '')
}

/** What the documentation says the default is. */
function defaultIn(description: string): string | undefined {
  const match =
    /\b(?:[Dd]efaults? (?:to|is|value is)|default value of) ([^,;]*?)(?:\.(?:\s|$)|,|;| if | unless |$)/.exec(
      description,
    )
  return match?.[1]?.trim() || undefined
}
