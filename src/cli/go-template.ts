/** Carries Go templates out as kubectl's `-o go-template` does. Source: pkg.go.dev/text/template. Pure. */
import { KubeError } from '../diagnostic.ts'
import { formatValue, printText, printValues } from './go-format.ts'
import {
  type Block,
  type Body,
  badTemplate,
  type Operand,
  type Pipe,
  parseGoTemplate,
  type TemplateNode,
} from './go-template-parse.ts'

/** The template's text for `data`. Fails with code `BadTemplate`; exit status 2 for a template that can't be read. */
export function renderGoTemplate(template: string, data: unknown): string {
  const scope: Scope = { variables: new Map([['$', data]]), outer: undefined }
  return renderBody(parseGoTemplate(template), data, scope)
}

interface Scope {
  readonly variables: Map<string, unknown>
  readonly outer: Scope | undefined
}

function inner(outer: Scope): Scope {
  return { variables: new Map(), outer }
}

function failed(why: string): KubeError {
  return new KubeError('BadTemplate', `error executing template: ${why}`)
}

function renderBody(body: Body, dot: unknown, scope: Scope): string {
  return body.map(node => renderNode(node, dot, scope)).join('')
}

function renderNode(node: TemplateNode, dot: unknown, scope: Scope): string {
  if (node.kind === 'text') return node.text
  if (node.kind === 'action') {
    const value = resultOf(node.pipe, dot, scope)
    if (node.pipe.variables.length === 0) return printText(value)
    for (const name of node.pipe.variables) set(scope, name, value, node.pipe.assigns)
    return ''
  }
  const own = inner(scope)
  const value = resultOf(node.pipe, dot, scope)
  if (node.kind === 'range') return renderRange(node, value, dot, own)
  for (const name of node.pipe.variables) set(own, name, value, node.pipe.assigns)
  if (!isTrue(value)) return renderBody(node.otherwise, dot, own)
  return renderBody(node.body, node.kind === 'with' ? value : dot, own)
}

function renderRange({ pipe, body, otherwise }: Block, value: unknown, dot: unknown, scope: Scope): string {
  const entries = entriesOf(value)
  if (entries.length === 0) return renderBody(otherwise, dot, scope)
  const [first, second] = pipe.variables
  return entries
    .map(([key, item]) => {
      const own = inner(scope)
      if (first !== undefined) set(own, first, second === undefined ? item : key, pipe.assigns)
      if (second !== undefined) set(own, second, item, pipe.assigns)
      return renderBody(body, item, own)
    })
    .join('')
}

/** A map's in the order of its keys. */
function entriesOf(value: unknown): readonly (readonly [unknown, unknown])[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value.map((item, index) => [index, item])
  if (typeof value === 'number') return Array.from({ length: Math.max(0, value) }, (_, index) => [index, index])
  if (typeof value === 'object') return Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  throw failed(`range can't iterate over ${formatValue(value)}`)
}

function set(scope: Scope, name: string, value: unknown, assigns: boolean): void {
  let at: Scope | undefined = scope
  while (assigns && at && !at.variables.has(name)) at = at.outer
  if (!at) throw badTemplate(`undefined variable ${JSON.stringify(name)}`)
  at.variables.set(name, value)
}

function get(scope: Scope, name: string): unknown {
  for (let at: Scope | undefined = scope; at; at = at.outer) if (at.variables.has(name)) return at.variables.get(name)
  throw badTemplate(`undefined variable ${JSON.stringify(name)}`)
}

/** Each command's value is the last argument of the next one. */
function resultOf(pipe: Pipe, dot: unknown, scope: Scope): unknown {
  let value: unknown
  for (const [index, command] of pipe.commands.entries()) {
    const [first, ...rest] = command
    const more = index === 0 ? [] : [() => value]
    // Asked for later: `and` and `or` may not ask for all of them.
    const args = [...rest.map(operand => () => operandOf(operand, dot, scope)), ...more]
    const before = value
    const lazy = args.map((arg, at) => (at === args.length - 1 && index > 0 ? () => before : arg))
    if (first?.kind === 'call') value = call(first.name, lazy)
    else if (lazy.length > 0) throw badTemplate("can't give argument to what is no function")
    else value = operandOf(first!, dot, scope)
  }
  return value
}

function operandOf(operand: Operand, dot: unknown, scope: Scope): unknown {
  switch (operand.kind) {
    case 'literal':
      return operand.value
    case 'call':
      return call(operand.name, [])
    case 'dot':
      return below(dot, operand.fields)
    case 'variable':
      return below(get(scope, operand.name), operand.fields)
    case 'nested':
      return below(resultOf(operand.pipe, dot, scope), operand.fields)
  }
}

/** What is not there has no fields either. */
function below(value: unknown, fields: readonly string[]): unknown {
  let at = value
  for (const name of fields) {
    if (at === undefined || at === null) return undefined
    if (typeof at !== 'object' || Array.isArray(at)) throw failed(`can't evaluate field ${name} in ${formatValue(at)}`)
    at = Object.hasOwn(at, name) ? Reflect.get(at, name) : undefined
  }
  return at
}

function isTrue(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return false
  return typeof value !== 'object' || Object.keys(value).length > 0
}

type Lazy = () => unknown

function call(name: string, args: readonly Lazy[]): unknown {
  if (name === 'and' || name === 'or') return choose(args, name === 'or')
  const apply = FUNCTIONS[name]
  if (!apply) throw badTemplate(`function ${JSON.stringify(name)} not defined`)
  return apply(...args.map(arg => arg()))
}

/** The first that decides, else the last. */
function choose(args: readonly Lazy[], wanted: boolean): unknown {
  let value: unknown
  for (const arg of args) {
    value = arg()
    if (isTrue(value) === wanted) return value
  }
  return value
}

/** Without those that make text fit for HTML and JavaScript. `base64decode` and `exists` are kubectl's. */
const FUNCTIONS: Readonly<Record<string, (...args: readonly unknown[]) => unknown>> = {
  print: (...args) => printValues(args),
  println: (...args) => `${args.map(printText).join(' ')}\n`,
  printf: (format, ...args) => formatAll(String(format), args),
  index: (value, ...keys) => keys.reduce(indexInto, value),
  len: lengthOf,
  not: value => !isTrue(value),
  eq: (first, ...others) => others.some(other => isSame(first, other)),
  ne: (a, b) => !isSame(a, b),
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  base64decode: text => Buffer.from(String(text ?? ''), 'base64').toString('utf8'),
  exists: (value, ...keys) => keys.reduce((at, key) => (at === undefined ? at : peek(at, key)), value) !== undefined,
}

function formatAll(format: string, args: readonly unknown[]): string {
  let at = 0
  return format.replace(
    /%([-+ 0]*)(\d*)(?:\.(\d+))?([a-zA-Z%])/g,
    (_, flags: string, width: string, precision, verb) => {
      if (verb === '%') return '%'
      if (at >= args.length) return `%!${verb}(MISSING)`
      const text = formatValue(args[at++], verb as string, precision === undefined ? undefined : Number(precision))
      if (flags.includes('-')) return text.padEnd(Number(width))
      return text.padStart(Number(width), flags.includes('0') ? '0' : ' ')
    },
  )
}

function peek(value: unknown, key: unknown): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.hasOwn(value, String(key)) ? Reflect.get(value, String(key)) : undefined
}

function indexInto(value: unknown, key: unknown): unknown {
  if (value === undefined || value === null) throw failed('index of untyped nil')
  if (typeof value !== 'object') throw failed(`can't index item of ${formatValue(value)}`)
  const found = peek(value, key)
  if (found === undefined && Array.isArray(value)) throw failed(`index out of range: ${formatValue(key)}`)
  return found
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (typeof value === 'object' && value !== null) return Object.keys(value).length
  throw failed('len of untyped nil')
}

function isSame(a: unknown, b: unknown): boolean {
  return (a ?? null) === (b ?? null)
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0
  throw failed('incompatible types for comparison')
}
