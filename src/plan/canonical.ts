/** One text for equal data, whatever the order of its keys, and hashes of it. */
import { fingerprint } from './fingerprint.ts'

/** JSON with sorted keys and without absent values; Dates as RFC 3339. */
export function canonicalJson(value: unknown): string {
  return textOf(value) ?? 'null'
}

/** As JSON.stringify, which would sort keys by a function that makes each object anew. */
function textOf(value: unknown): string | undefined {
  if (value === null || typeof value !== 'object' || 'toJSON' in value) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(item => textOf(item) ?? 'null').join(',')}]`
  let text = ''
  for (const key of Object.keys(value).sort()) {
    const inner = textOf((value as Readonly<Record<string, unknown>>)[key])
    if (inner !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${inner}`
  }
  return `{${text}}`
}

/** 32 hex digits, equal for equal data. */
export function hashOf(value: unknown): string {
  return fingerprint(canonicalJson(value))
}
