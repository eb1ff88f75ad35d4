/**
 * The part of Go's templates that people write for kubectl: fields, variables, pipelines, if, range, with, and a few
 * functions. Source: pkg.go.dev/text/template. Pure.
 */
import { KubeError } from '../diagnostic.ts'

export type TemplateNode =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipe: Pipe }
  | Block

export interface Block {
  readonly kind: 'if' | 'with' | 'range'
  readonly pipe: Pipe
  readonly body: Body
  readonly otherwise: Body
}

export type Body = readonly TemplateNode[]

export interface Pipe {
  /** `$x := ...`, `$i, $x := range ...`; with `assigns` they are there already. */
  readonly variables: readonly string[]
  readonly assigns: boolean
  readonly commands: readonly (readonly Operand[])[]
}

export type Operand =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  /** A function of that name, or with the fields below it a value. */
  | { readonly kind: 'call'; readonly name: string }
  | { readonly kind: 'dot'; readonly fields: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string; readonly fields: readonly string[] }
  | { readonly kind: 'nested'; readonly pipe: Pipe; readonly fields: readonly string[] }

const ACTION = /\{\{(- )?((?:\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\])*"|`[^`]*`|[^"`}]|\}(?!\}))*?)( -)?\}\}/g

/** Fails with code `BadTemplate` and exit status 2. */
export function parseGoTemplate(template: string): Body {
  const parts = split(template)
  const parser = new BodyParser(parts)
  const { body, end } = parser.parse()
  if (end !== undefined) throw badTemplate(`unexpected {{${end}}}`)
  return body
}

export function badTemplate(why: string): KubeError {
  return new KubeError('BadTemplate', `error parsing template: ${why}`, {
    exitStatus: 2,
    hint: '-o jsonpath=TEMPLATE does as well: kubernetes.io/docs/reference/kubectl/jsonpath',
  })
}

type Part = { readonly text: string } | { readonly action: string }

function split(template: string): readonly Part[] {
  const parts: Part[] = []
  let at = 0
  let trims = false
  const addText = (text: string) => {
    const kept = trims ? text.trimStart() : text
    if (kept !== '') parts.push({ text: kept })
  }
  for (const match of template.matchAll(ACTION)) {
    const before = template.slice(at, match.index)
    addText(match[1] === undefined ? before : before.trimEnd())
    trims = match[3] !== undefined
    at = match.index + match[0].length
    const action = (match[2] ?? '').trim()
    if (!/^\/\*[\s\S]*\*\/$/.test(action)) parts.push({ action })
  }
  const rest = template.slice(at)
  if (rest.includes('{{')) throw badTemplate('unclosed action')
  addText(rest)
  return parts
}

/** Reads up to the `end` or `else` that belongs to what was begun. */
class BodyParser {
  readonly #parts: readonly Part[]
  #at = 0

  constructor(parts: readonly Part[]) {
    this.#parts = parts
  }

  parse(): { readonly body: Body; readonly end: string | undefined } {
    const body: TemplateNode[] = []
    for (;;) {
      const part = this.#parts[this.#at++]
      if (!part) return { body, end: undefined }
      if ('text' in part) {
        body.push({ kind: 'text', text: part.text })
        continue
      }
      const [, word = '', rest = ''] = /^(\w*)\s*([\s\S]*)$/.exec(part.action) ?? []
      if (word === 'end' || word === 'else') return { body, end: part.action }
      if (word === 'if' || word === 'with' || word === 'range') body.push(this.#block(word, rest))
      else if (UNKNOWN_ACTIONS.has(word)) throw badTemplate(`{{${word}}} is not supported`)
      else body.push({ kind: 'action', pipe: parsePipe(part.action) })
    }
  }

  #block(kind: 'if' | 'with' | 'range', text: string): TemplateNode {
    const pipe = parsePipe(text)
    const { body, end } = this.parse()
    if (end === 'end') return { kind, pipe, body, otherwise: [] }
    if (end === undefined) throw badTemplate(`{{${kind}}} without its {{end}}`)
    const chained = /^else\s+(if|with)\s+([\s\S]*)$/.exec(end)
    if (chained) return { kind, pipe, body, otherwise: [this.#block(chained[1] as 'if' | 'with', chained[2] ?? '')] }
    if (end !== 'else') throw badTemplate(`unexpected {{${end}}}`)
    const other = this.parse()
    if (other.end !== 'end') throw badTemplate(`{{else}} without its {{end}}`)
    return { kind, pipe, body, otherwise: other.body }
  }
}

const UNKNOWN_ACTIONS: ReadonlySet<string> = new Set(['define', 'template', 'block', 'break', 'continue'])

const TOKEN =
  /\s*(?:("(?:\\.|[^"\\])*")|`([^`]*)`|(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|(\$\w*)|((?:\.[A-Za-z_]\w*)+|\.)|(true|false|nil)\b|([A-Za-z_]\w*)|(:=|[=|(),]))/y

type Token =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'variable' | 'fields' | 'name' | 'sign'; readonly text: string; readonly isJoined: boolean }

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const from = TOKEN.lastIndex
    const match = TOKEN.exec(text)
    if (!match) throw badTemplate(`unexpected ${JSON.stringify(text.slice(from).trim())}`)
    const [whole, quoted, raw, number, variable, fields, word, name, sign] = match
    const isJoined = !/^\s/.test(whole)
    if (quoted !== undefined) tokens.push({ kind: 'literal', value: unquote(quoted) })
    else if (raw !== undefined) tokens.push({ kind: 'literal', value: raw })
    else if (number !== undefined) tokens.push({ kind: 'literal', value: Number(number) })
    else if (word !== undefined) tokens.push({ kind: 'literal', value: word === 'nil' ? null : word === 'true' })
    else if (variable !== undefined) tokens.push({ kind: 'variable', text: variable, isJoined })
    else if (fields !== undefined) tokens.push({ kind: 'fields', text: fields, isJoined })
    else if (name !== undefined) tokens.push({ kind: 'name', text: name, isJoined })
    else tokens.push({ kind: 'sign', text: sign ?? '', isJoined })
  }
  return tokens
}

/** Go's escapes are JSON's and a few more. */
function unquote(text: string): string {
  const json = text.replace(
    /\\([av0'])/g,
    (_, letter: string) => ({ a: '\\u0007', v: '\\u000b', '0': '\\u0000' })[letter] ?? "'",
  )
  try {
    return JSON.parse(json) as string
  } catch {
    throw badTemplate(`not a string: ${text}`)
  }
}

function parsePipe(text: string): Pipe {
  const tokens = [...tokensOf(text)]
  const pipe = readPipe(tokens)
  if (tokens.length > 0) throw badTemplate(`unexpected ${JSON.stringify(text)}`)
  return pipe
}

function readPipe(tokens: Token[]): Pipe {
  const variables: string[] = []
  let assigns = false
  const sign = tokens.findIndex(token => token.kind === 'sign' && (token.text === ':=' || token.text === '='))
  if (sign > 0 && sign <= 3 && tokens[0]?.kind === 'variable') {
    const declared = tokens.splice(0, sign + 1)
    assigns = (declared.at(-1) as { readonly text: string }).text === '='
    for (const token of declared) if (token.kind === 'variable') variables.push(token.text)
  }
  const commands: Operand[][] = []
  for (;;) {
    const operands: Operand[] = []
    while (tokens[0] && !isSign(tokens[0], '|') && !isSign(tokens[0], ')')) operands.push(readOperand(tokens))
    if (operands.length === 0) throw badTemplate('missing value for command')
    commands.push(operands)
    if (!isSign(tokens[0], '|')) return { variables, assigns, commands }
    tokens.shift()
  }
}

function isSign(token: Token | undefined, text: string): boolean {
  return token?.kind === 'sign' && token.text === text
}

function readOperand(tokens: Token[]): Operand {
  const token = tokens.shift()!
  if (token.kind === 'literal') return token
  if (token.kind === 'fields') return { kind: 'dot', fields: token.text.split('.').filter(part => part !== '') }
  if (token.kind === 'name') return { kind: 'call', name: token.text }
  if (token.kind === 'variable') return { kind: 'variable', name: token.text, fields: readFields(tokens) }
  if (token.text !== '(') throw badTemplate(`unexpected ${JSON.stringify(token.text)}`)
  const pipe = readPipe(tokens)
  if (!isSign(tokens.shift(), ')')) throw badTemplate('unclosed left paren')
  return { kind: 'nested', pipe, fields: readFields(tokens) }
}

/** Fields that stand right behind what they are of. */
function readFields(tokens: Token[]): readonly string[] {
  const [next] = tokens
  if (next?.kind !== 'fields' || !next.isJoined || next.text === '.') return []
  tokens.shift()
  return next.text.split('.').filter(part => part !== '')
}
