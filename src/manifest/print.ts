/** Objects to YAML, in the dialect that is read: what go-yaml would take for another type is quoted. */
import { numberText } from './integer.ts'
import { needsQuotes } from './scalar.ts'
import type { KubernetesObject } from './types.ts'

/** The order at an object's top level; the rest follows in the object's own order. */
const headOrder = ['apiVersion', 'kind', 'metadata']

/** The order that reads best, where an object's own order would hide the name. */
const firstKeys = new Set(['name', 'namespace'])

/** YAML text of the objects, separated by `---`. The same objects always give the same bytes. */
export function printManifest(objects: readonly KubernetesObject[]): string {
  return objects.map(object => printYaml(inHeadOrder(object))).join('---\n')
}

function inHeadOrder(object: object): object {
  const entries = Object.entries(object)
  const rank = (key: string): number => {
    const at = headOrder.indexOf(key)
    if (at !== -1) return at
    return key === 'status' ? headOrder.length + 1 : headOrder.length
  }
  return Object.fromEntries(entries.toSorted(([a], [b]) => rank(a) - rank(b)))
}

/** YAML text of any plain data, ending in a line feed. Undefined properties are left out. */
export function printYaml(value: unknown): string {
  if (isScalar(value) || isEmpty(value)) return `${flow(value)}\n`
  return block(value, 0)
}

function isScalar(value: unknown): boolean {
  return typeof value !== 'object' || value === null || value instanceof Date
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  return typeof value === 'object' && value !== null && Object.values(value).every(item => item === undefined)
}

function block(value: unknown, indent: number): string {
  const pad = ' '.repeat(indent)
  if (Array.isArray(value)) {
    return value
      .map(item =>
        isNested(item) ? `${pad}- ${block(item, indent + 2).trimStart()}` : `${pad}- ${leaf(item, indent)}`,
      )
      .join('')
  }
  return entriesOf(value)
    .map(([key, item]) => {
      const name = scalarText(key, true)
      if (!isNested(item)) return `${pad}${name}: ${leaf(item, indent)}`
      // kubectl's style: a list stands at its key's own indentation.
      return `${pad}${name}:\n${block(item, Array.isArray(item) ? indent : indent + 2)}`
    })
    .join('')
}

function isNested(value: unknown): boolean {
  return !isScalar(value) && !isEmpty(value)
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  const entries = Object.entries(value as object).filter(([, item]) => item !== undefined)
  return [...entries.filter(([key]) => firstKeys.has(key)), ...entries.filter(([key]) => !firstKeys.has(key))]
}

function leaf(value: unknown, indent: number): string {
  if (typeof value === 'string' && fitsLiteral(value)) return literal(value, indent)
  return `${flow(value)}\n`
}

function flow(value: unknown): string {
  if (Array.isArray(value)) return '[]'
  if (value instanceof Date) return JSON.stringify(value.toISOString())
  if (typeof value === 'object' && value !== null) return '{}'
  if (typeof value === 'string') return scalarText(value, false)
  if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) return 'null'
  return typeof value === 'number' ? numberText(value) : String(value)
}

/** Lines of printable text read best as they are. A tab or space at a line's end, or a lone CR, would not show. */
function fitsLiteral(text: string): boolean {
  if (!text.includes('\n') || text.trim() === '') return false
  return !/[^\P{Cc}\t\n]|[\u2028\u2029\ufeff\ufffe\uffff]|\p{Cs}/u.test(text) && !/[ \t]\n|[ \t]$/.test(text)
}

function literal(text: string, indent: number): string {
  const pad = ' '.repeat(indent + 2)
  const body = text.replace(/\n+$/, '')
  const trailing = text.length - body.length
  const chomping = trailing === 0 ? '-' : trailing === 1 ? '' : '+'
  // A first line that starts with space would hide where the text begins.
  const explicit = /^\n*[ \t]/.test(text) ? '2' : ''
  const lines = body.split('\n').map(line => (line === '' ? '' : pad + line))
  return `|${explicit}${chomping}\n${lines.join('\n')}\n${'\n'.repeat(Math.max(0, trailing - 1))}`
}

const plainText = /^[A-Za-z0-9_./\\(<$+~^][A-Za-z0-9_./\\()<>$+~^;@%'"!*=|?&,:#[\]{} -]*$/

function scalarText(text: string, isKey: boolean): string {
  return isPlain(text, isKey) ? text : quoted(text)
}

function isPlain(text: string, isKey: boolean): boolean {
  if (!plainText.test(text) || text.endsWith(' ') || text.endsWith(':')) return false
  if (text.includes(': ') || text.includes(' #')) return false
  if (text.length > 128 && isKey) return false
  return !needsQuotes(text) && !looksTyped(text) && text !== '<<' && text !== '...'
}

/** What other YAML readers take for something else: dates, base 60, numbers with separators, `=`. */
function looksTyped(text: string): boolean {
  if (/^\d{4}-\d\d?-\d\d?(?:[Tt ]|$)/.test(text)) return true
  return /^[-+.]?[0-9]/.test(text) && !/^[0-9]+(\.[0-9]+){2,}$|[A-Za-z/]/.test(text.replace(/^0[xob]|[eE]|T/g, ''))
}

function quoted(text: string): string {
  // JSON's escapes are YAML's, save for what YAML takes for a line break or cannot hold.
  return JSON.stringify(text).replace(/[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g, char => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
