/** NUL characters: what ends a string for the kernel cannot be part of a command, a variable or a path. */
import type { FieldPath } from '../../diagnostic.ts'
import { invalid } from '../finding.ts'
import type { Findings } from './check.ts'

/**
 * An API server lets them pass, and a container runtime then fails or cuts the string off there. Looks at every string
 * of the value.
 */
export function* checkNoNul(at: FieldPath, value: unknown): Findings {
  if (typeof value === 'string') {
    if (value.includes('\0')) yield invalid(at, value, 'must not contain a NUL character')
    return
  }
  if (typeof value !== 'object' || value === null) return
  const entries = Array.isArray(value) ? value.entries() : Object.entries(value)
  for (const [key, inner] of entries) yield* checkNoNul([...at, key], inner)
}
