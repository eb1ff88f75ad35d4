/** One text for equal data, whatever the order of its keys, and hashes of it. */
import { fingerprint } from './fingerprint.ts'

/** JSON with sorted keys and without absent values; Dates as RFC 3339. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner
    const entries = Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return Object.fromEntries(entries)
  })
}

/** 32 hex digits, equal for equal data. */
export function hashOf(value: unknown): string {
  return fingerprint(canonicalJson(value))
}
