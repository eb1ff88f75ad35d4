/** One text for equal data, whatever the order of its keys, and hashes of it. */
import { createHash } from 'node:crypto'

/** JSON with sorted keys and without absent values; Dates as RFC 3339. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner
    const entries = Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return Object.fromEntries(entries)
  })
}

/** 64 hex digits. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** 64 hex digits, equal for equal data. */
export function hashOf(value: unknown): string {
  return sha256(canonicalJson(value))
}
