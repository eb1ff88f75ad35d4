/** Checks an object's shape with the compiled validators and words what they find as the API server does. */
import { type FieldPath, formatPath } from '../diagnostic.ts'
import { loadFieldTypes } from './documentation.ts'
import { type Finding, invalid, required, typeInvalid } from './finding.ts'
import { integerOf, numberText } from './integer.ts'
import { type KindInfo, validatorName } from './kinds.ts'
import { nearest } from './suggest.ts'
import { loadValidator, type SchemaError } from './validators.ts'

/** The scalar as the manifest writes it, for "quote it" hints. */
export type SourceOf = (path: FieldPath) => string | undefined

interface PlacedError {
  readonly path: FieldPath
  readonly keyword: string
  readonly params: Readonly<Record<string, unknown>>
  readonly value: unknown
}

/** Every departure from the kind's schema. */
export async function checkSchema(info: KindInfo, value: object, sourceOf: SourceOf): Promise<readonly Finding[]> {
  const errors: PlacedError[] = []
  await collect(validatorName(info), value, value, [], errors)
  if (errors.length === 0) return []
  const fields = await loadFieldTypes()
  const findings: Finding[] = []
  for (const error of errors) {
    const finding = wordError(error, { fields, root: info.model, sourceOf })
    if (finding !== undefined) findings.push(finding)
  }
  return findings
}

async function collect(
  module: string,
  root: object,
  value: unknown,
  at: FieldPath,
  errors: PlacedError[],
): Promise<void> {
  const validator = await loadValidator(module)
  if (!validator.validate(value))
    for (const error of validator.validate.errors ?? []) errors.push(placeError(error, value, at))
  for (const part of validator.parts) {
    const inner = valueAt(value, part.path)
    if (inner !== undefined) await collect(part.module, root, inner, [...at, ...part.path], errors)
  }
}

function placeError(error: SchemaError, value: unknown, at: FieldPath): PlacedError {
  const relative: (string | number)[] = []
  let current: unknown = value
  for (const step of error.instancePath.split('/').slice(1)) {
    const name = step.includes('~') ? step.replaceAll('~1', '/').replaceAll('~0', '~') : step
    const key = Array.isArray(current) ? Number(name) : name
    relative.push(key)
    current = valueAt(current, [key])
  }
  return { path: [...at, ...relative], keyword: error.keyword, params: error.params, value: current }
}

/** What stands at a path; undefined where nothing does. */
export function valueAt(value: unknown, path: FieldPath): unknown {
  let current: unknown = value
  for (const step of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, step)) return undefined
    current = Reflect.get(current, step)
  }
  return current
}

interface Wording {
  readonly fields: Fields
  /** The definition of the whole object. */
  readonly root: string
  readonly sourceOf: SourceOf
}

type Fields = Readonly<Record<string, Readonly<Record<string, string>>>>

function wordError(error: PlacedError, wording: Wording): Finding | undefined {
  const { path, keyword, params, value } = error
  switch (keyword) {
    case 'additionalProperties':
      return unknownField(path, String(params.additionalProperty), wording)
    case 'required': {
      const missing = String(params.missingProperty)
      // The API server ignores the status of what it is given.
      if (path[0] === 'status') return undefined
      return required([...path, missing])
    }
    case 'type':
      return { ...wrongType(error, wording), zero: zeroOf(String(params.type)) }
    case 'pattern':
      return invalid(path, value, String(params.pattern).includes('KMGTPE') ? quantityDetail : timeDetail)
    case 'minimum':
    case 'maximum':
      return beyondLimit(path, Number(value), wording)
  }
  return invalid(path, value, keyword)
}

const quantityDetail = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const timeDetail = 'must be a time as "2006-01-02T15:04:05Z07:00"'

/**
 * A number beyond its type's limits, or of more digits than a double holds. What is no integer in the text was rounded by
 * go-yaml just so.
 */
function beyondLimit(path: FieldPath, value: number, wording: Wording): Finding | undefined {
  const type = definitionAt(path, wording.fields, wording.root)
  const exact = integerOf(wording.sourceOf(path) ?? '')
  const [least, limit] = type === 'quantity' ? [-(2n ** 63n), 2n ** 64n] : [-(2n ** 63n), 2n ** 63n]
  const fits = exact === undefined ? Math.abs(value) < 2 ** 63 : least <= exact && exact < limit
  if (type === 'quantity' && !fits) return undefined
  if (!fits || (type !== 'int64' && type !== 'quantity'))
    return typeInvalid(path, exact ?? value, cannotUnmarshal(`number ${exact ?? numberText(value)}`, path, wording))
  if (exact === undefined || numberText(value) === String(exact)) return undefined
  return {
    severity: 'error',
    code: 'FieldNotSupported',
    message: `Not supported: of integers beyond ${Number.MAX_SAFE_INTEGER} not all digits can be kept: this would become ${numberText(value)}`,
    path,
    ...(type === 'quantity' ? { hint: `quote it: "${exact}"` } : {}),
  }
}

/** What Go's decoder calls the value; a number that does not fit is named. */
function goValue(value: unknown, types: readonly string[]): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number' && types.includes('integer')) return `number ${numberText(value)}`
  return typeof value
}

/** The words of Go's decoder: `cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string`. */
function cannotUnmarshal(value: string, path: FieldPath, { fields, root }: Wording): string {
  const names: string[] = []
  let struct = root
  let type: string | undefined = root
  for (const step of path) {
    if (type?.startsWith('[]') === true || type?.startsWith('{}') === true) type = type.slice(2)
    else {
      names.push(String(step))
      struct = type ?? struct
      type = type === undefined ? undefined : fields[type]?.[String(step)]
    }
  }
  const field = `${goName(struct)}.${names.join('.')}`
  return `cannot unmarshal ${value} into Go struct field ${field} of type ${goType(type ?? 'string')}`
}

/** `V1EnvVar`, `CoreV1ResourceClaim`: the type's name in Go. */
function goName(definition: string): string {
  return definition.replace(/^([A-Z][a-z]+)?V\d+(alpha\d+|beta\d+)?(?=[A-Z])/, '')
}

function goType(type: string): string {
  if (type.startsWith('[]')) return `[]${goType(type.slice(2))}`
  if (type.startsWith('{}')) return `map[string]${goType(type.slice(2))}`
  const words: Readonly<Record<string, string>> = {
    boolean: 'bool',
    'date-time': 'Time',
    'int-or-string': 'int32',
    quantity: 'resource.Quantity',
    double: 'float64',
  }
  return words[type] ?? (/^[A-Z]/.test(type) ? `v1.${goName(type)}` : type)
}

function wrongType({ path, value, params }: PlacedError, wording: Wording): Finding {
  const types = Array.isArray(params.type) ? (params.type as readonly string[]) : String(params.type).split(',')
  const isScalar = typeof value === 'number' || typeof value === 'boolean'
  const detail = cannotUnmarshal(goValue(value, types), path, wording)
  if (types.includes('string') && isScalar)
    return typeInvalid(path, value, detail, `quote it: ${JSON.stringify(wording.sourceOf(path) ?? String(value))}`)
  const unquoted = typeof value === 'string' && !types.includes('string') && looksLike(value, types)
  if (unquoted) return typeInvalid(path, value, detail, `write it without quotes: ${value}`)
  if (types.includes('array') && !Array.isArray(value))
    return typeInvalid(path, value, detail, 'make it a list: put "- " before it')
  return typeInvalid(path, value, detail)
}

/** What a list's item of a wrong type is taken for, so that the rules can go on. */
function zeroOf(types: string): unknown {
  if (types.includes('object')) return {}
  return types.includes('array') ? [] : ''
}

function looksLike(text: string, types: readonly string[]): boolean {
  if (types.includes('boolean')) return text === 'true' || text === 'false'
  return (types.includes('integer') || types.includes('number')) && /^-?[0-9]+$/.test(text)
}

function unknownField(path: FieldPath, name: string, { fields, root }: Wording): Finding {
  const finding: Finding = {
    severity: 'error',
    code: 'FieldUnknown',
    message: `unknown field ${JSON.stringify(formatPath([...path, name]))}`,
    path: [...path, name],
    atKey: true,
  }
  const hint = hintFor(path, name, fields, root)
  return hint === undefined ? finding : { ...finding, hint }
}

/** A similar field beside it, or the same name one level up or down, where it was meant to stand. */
function hintFor(path: FieldPath, name: string, fields: Fields, root: string): string | undefined {
  const here = definitionAt(path, fields, root)
  if (here === undefined) return undefined
  const own = fields[here] ?? {}
  if (here === 'V1SELinuxOptions' && name === 'filetype') return 'only podman has it, and no cluster: leave it out'
  const similar = nearest(name, Object.keys(own))
  if (similar !== undefined) return `did you mean ${JSON.stringify(similar)}?`
  for (let up = path.length - 1; up >= 0; up--) {
    if (typeof path[up] === 'number') continue
    const parent = path.slice(0, up)
    const definition = definitionAt(parent, fields, root)
    if (definition === undefined || definition === here) continue
    const place = parent.filter(step => typeof step === 'string').join('.')
    // A container's securityContext has not all that the pod's has.
    const sibling = String(path.at(-1))
    const other: string | undefined = fields[definition]?.[sibling]
    if (other !== undefined && other !== here && Object.hasOwn(fields[other] ?? {}, name))
      return `${JSON.stringify(name)} belongs to ${place}.${sibling}`
    if (!Object.hasOwn(fields[definition] ?? {}, name)) continue
    return `${JSON.stringify(name)} belongs to ${place === '' ? 'the top level' : place}: check the indentation`
  }
  for (const [child, type] of Object.entries(own)) {
    if (child === 'status') continue
    const inner = fields[type.replace('[]', '')]
    if (inner !== undefined && Object.hasOwn(inner, name))
      return `did you mean ${JSON.stringify(`${child}${type.startsWith('[]') ? '[]' : ''}.${name}`)}, one level down?`
  }
  return undefined
}

/** The name of the definition that describes what stands at the path. */
function definitionAt(path: FieldPath, fields: Fields, root: string): string | undefined {
  let type: string | undefined = root
  for (const step of path) {
    if (type === undefined) return undefined
    if (type.startsWith('[]') || type.startsWith('{}')) type = type.slice(2)
    else type = fields[type]?.[String(step)]
  }
  return type
}
