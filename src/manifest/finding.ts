/** What a check of one object says: a diagnostic before it knows its file and position. */
import type { FieldPath, Severity } from '../diagnostic.ts'
import { jsonText } from './integer.ts'
import { nearest } from './suggest.ts'

export interface Finding {
  readonly severity: Severity
  readonly code: string
  readonly message: string
  readonly path: FieldPath
  readonly hint?: string
  /** Where it stands, when that is not where the API server's path leads: a label's key, a list's item. */
  readonly at?: FieldPath
  /** Whether it is about the field's name, so that it points at the key and not at the value. */
  readonly atKey?: boolean
  /** Of a value of a wrong type: an empty one of the right type. */
  readonly zero?: unknown
  /** The object that it says is not there, in the same namespace. */
  readonly lacks?: { readonly kind: string; readonly name: string }
  /** Whether it is about a secret's value. */
  readonly isSecret?: boolean
}

function error(path: FieldPath, code: string, message: string): Finding {
  return { severity: 'error', code, message, path }
}

/** A value as the API server prints it in a message; a long one is cut. */
export function quote(value: unknown): string {
  const text = typeof value === 'bigint' ? String(value) : (jsonText(value) ?? 'null')
  return text.length <= 200 ? text : `${text.slice(0, 200)}...`
}

// The API server's error types. Source: k8s.io/apimachinery/pkg/util/validation/field/errors.go.

export function required(path: FieldPath, detail = ''): Finding {
  return error(path, 'FieldValueRequired', detail === '' ? 'Required value' : `Required value: ${detail}`)
}

export function invalid(path: FieldPath, value: unknown, detail: string): Finding {
  return error(path, 'FieldValueInvalid', `Invalid value: ${quote(value)}: ${detail}`)
}

export function typeInvalid(path: FieldPath, value: unknown, detail: string, hint?: string): Finding {
  const finding = error(path, 'FieldValueTypeInvalid', `Invalid value: ${quote(value)}: ${detail}`)
  return hint === undefined ? finding : { ...finding, hint }
}

export function duplicate(path: FieldPath, value: unknown): Finding {
  return error(path, 'FieldValueDuplicate', `Duplicate value: ${quote(value)}`)
}

export function forbidden(path: FieldPath, detail: string): Finding {
  return error(path, 'FieldValueForbidden', `Forbidden: ${detail}`)
}

export function notFound(path: FieldPath, value: unknown): Finding {
  return error(path, 'FieldValueNotFound', `Not found: ${quote(value)}`)
}

/** `supported` in the order that the API server lists. */
export function notSupported(path: FieldPath, value: unknown, supported: Iterable<string>): Finding {
  const known = [...supported]
  const values = known.map(item => JSON.stringify(item))
  const finding = error(
    path,
    'FieldValueNotSupported',
    `Unsupported value: ${quote(value)}: supported values: ${values.join(', ')}`,
  )
  const meant = typeof value === 'string' ? meantValue(value, known) : undefined
  return meant === undefined ? finding : { ...finding, hint: `did you mean ${JSON.stringify(meant)}?` }
}

/** podman's words for restart and pull policies. Source: podman-create(1). */
const podmanWords = new Map([
  ['missing', 'IfNotPresent'],
  ['newer', 'Always'],
  ['no', 'Never'],
  ['unless-stopped', 'Always'],
])

function meantValue(value: string, known: readonly string[]): string | undefined {
  const word = podmanWords.get(value.toLowerCase())
  return word !== undefined && known.includes(word) ? word : nearest(value, known)
}

/** `limit` in bytes, as the API server counts. */
export function tooLong(path: FieldPath, limit: number): Finding {
  return error(path, 'FieldValueTooLong', `Too long: may not be more than ${limit} bytes`)
}

export function tooMany(path: FieldPath, actual: number, limit: number): Finding {
  return error(path, 'FieldValueTooMany', `Too many: ${actual}: must have at most ${limit} items`)
}

export function warning(path: FieldPath, code: string, message: string, hint?: string): Finding {
  return { severity: 'warning', code, message, path, ...(hint === undefined ? {} : { hint }) }
}

export function notice(path: FieldPath, code: string, message: string, hint?: string): Finding {
  return { severity: 'notice', code, message, path, ...(hint === undefined ? {} : { hint }) }
}
