/** Small checks that many rules share. Rules are generators: each yields what it finds, in the order of the fields. */
import { type FieldPath, KubeError } from '../../diagnostic.ts'
import { parseReference } from '../../image-reference.ts'
import { duplicate, type Finding, invalid, notSupported, required, warning } from '../finding.ts'
import { inRange, type NameCheck, notNegative } from './names.ts'

export type Findings = Generator<Finding, void, undefined>

/** A value that must have the form, when it is there. */
export function* checkForm(path: FieldPath, value: string | undefined, form: NameCheck): Findings {
  if (value === undefined) return
  const messages = form(value)
  if (messages.length === 0) return
  const good = goodName(value, form)
  for (const message of messages) {
    const finding = invalid(path, value, message)
    yield good === undefined ? finding : { ...finding, hint: `${JSON.stringify(good)} would do` }
  }
}

/** The name nearest to the value that has the form: `test-pod` for `Test_Pod`. */
function goodName(value: string, form: NameCheck): string | undefined {
  const name = value
    .replace(/(?<=[a-z0-9])(?=[A-Z])/g, '-')
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
  return name !== '' && name !== value && form(name).length === 0 ? name : undefined
}

/** A value that must be there and have the form. */
export function* checkRequiredForm(path: FieldPath, value: string | undefined, form: NameCheck): Findings {
  if (value === undefined || value === '') yield required(path)
  else yield* checkForm(path, value, form)
}

/**
 * The name of an image. An API server takes any; what is no reference can be in no registry and no store, so that its
 * nodes fail with `InvalidImageName`.
 */
export function* checkImage(path: FieldPath, value: string | undefined): Findings {
  // Blanks around it an API server refuses by itself.
  if (value === undefined || value === '' || value !== value.trim()) return
  try {
    parseReference(value)
  } catch (error) {
    if (!(error instanceof KubeError)) throw error
    yield warning(path, 'InvalidImageName', error.message.replace(/^image .*?: invalid/, 'invalid'), error.hint)
  }
}

export function* checkNotEmpty(path: FieldPath, value: string | undefined, detail = ''): Findings {
  if (value === undefined || value === '') yield required(path, detail)
}

/** One of the values. Absent and empty are left to the defaults. */
export function* checkOneOf(path: FieldPath, value: string | undefined, supported: readonly string[]): Findings {
  if (value !== undefined && value !== '' && !supported.includes(value)) yield notSupported(path, value, supported)
}

export function* checkNotNegative(path: FieldPath, value: number | undefined): Findings {
  if (value !== undefined && value < 0) yield invalid(path, value, notNegative)
}

export function* checkRange(path: FieldPath, value: number | undefined, low: number, high: number): Findings {
  if (value !== undefined && (value < low || value > high)) yield invalid(path, value, inRange(low, high))
}

export function* checkPort(path: FieldPath, value: number | undefined): Findings {
  yield* checkRange(path, value, 1, 65535)
}

/** Each value once; `nameOf` gives what must differ, undefined for what may repeat. */
export function* checkUnique<T>(
  items: readonly T[],
  nameOf: (item: T) => string | undefined,
  pathOf: (index: number) => FieldPath,
): Findings {
  const seen = new Set<string>()
  for (const [index, item] of items.entries()) {
    const name = nameOf(item)
    if (name === undefined || name === '') continue
    if (seen.has(name)) yield duplicate(pathOf(index), name)
    seen.add(name)
  }
}

/** Of several fields that exclude each other: those that are there. */
export function presentFields(value: object | undefined, names: readonly string[]): readonly string[] {
  if (value === undefined) return []
  return names.filter(name => Reflect.get(value, name) !== undefined)
}

/** List entries with their paths. */
export function* entriesAt<T>(path: FieldPath, items: readonly T[] | undefined): Generator<readonly [FieldPath, T]> {
  for (const [index, item] of (items ?? []).entries()) yield [[...path, index], item]
}
