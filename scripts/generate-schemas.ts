/**
 * Writes `schemas/definitions.json` from the models of the installed @kubernetes/client-node, so that a new Kubernetes
 * version is one dependency bump. Run it with `npm run schemas`; a test fails while the file is not current.
 */
import { writeFileSync } from 'node:fs'
import { knownKinds } from '../src/manifest/kinds.ts'
import { type ModelField, modelRelease, readModel } from './models.ts'

/** The part of JSON Schema that the definitions use; `format` is Kubernetes' (see scripts/build-validators.ts). */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
}

export interface Definitions {
  readonly kubernetes: string
  readonly definitions: Readonly<Record<string, Schema>>
}

/** client-node says `string` where Kubernetes has a Quantity. The test against the official definitions finds missing ones. */
const quantityFields = new Set([
  'V1ContainerStatus.allocatedResources',
  'V1EmptyDirVolumeSource.sizeLimit',
  'V1LimitRangeItem.default',
  'V1LimitRangeItem.defaultRequest',
  'V1LimitRangeItem.max',
  'V1LimitRangeItem.maxLimitRequestRatio',
  'V1LimitRangeItem.min',
  'V1NodeAllocatableResourceClaimStatus.resources',
  'V1Overhead.podFixed',
  'V1PersistentVolumeClaimStatus.allocatedResources',
  'V1PersistentVolumeClaimStatus.capacity',
  'V1PersistentVolumeSpec.capacity',
  'V1PodSpec.overhead',
  'V1PodStatus.allocatedResources',
  'V1ResourceFieldSelector.divisor',
  'V1ResourceQuotaSpec.hard',
  'V1ResourceQuotaStatus.hard',
  'V1ResourceQuotaStatus.used',
  'V1ResourceRequirements.limits',
  'V1ResourceRequirements.requests',
  'V1VolumeResourceRequirements.limits',
  'V1VolumeResourceRequirements.requests',
  'V2HPAScalingRules.tolerance',
  'V2MetricTarget.averageValue',
  'V2MetricTarget.value',
  'V2MetricValueStatus.averageValue',
  'V2MetricValueStatus.value',
])

const quantity: Schema = { type: ['string', 'number'], format: 'quantity' }

function scalarOf(type: string, format: string, where: string): Schema {
  switch (type) {
    case 'string':
      return format === '' ? { type: 'string' } : { type: 'string', format }
    case 'boolean':
      return { type: 'boolean' }
    case 'number':
      return format === 'double' ? { type: 'number', format } : { type: 'integer', format }
    case 'IntOrString':
      return { type: ['integer', 'string'], format: 'int-or-string' }
    case 'Date':
    case 'V1MicroTime':
      return { type: 'string', format: 'date-time' }
    case 'any':
    case 'object':
      return {}
  }
  if (/^\w+$/.test(type)) return { $ref: `#/definitions/${type}` }
  throw new Error(`${where}: unknown type ${type}`)
}

function schemaOf(field: ModelField, where: string): Schema {
  const list = /^Array<(.+)>$/.exec(field.type)
  if (list !== null) return { type: 'array', items: schemaOf({ ...field, type: list[1] ?? '' }, where) }
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(field.type)
  if (map !== null) return { type: 'object', additionalProperties: schemaOf({ ...field, type: map[1] ?? '' }, where) }
  if (field.type === 'string' && quantityFields.has(where)) return quantity
  return scalarOf(field.type, field.format, where)
}

/** The definitions of all known kinds and of everything they refer to, sorted by name. */
export function generateDefinitions(): Definitions {
  const definitions = new Map<string, Schema>()
  const visit = (name: string): void => {
    if (definitions.has(name)) return
    const model = readModel(name)
    const properties = model.fields.map(field => [field.name, schemaOf(field, `${name}.${field.name}`)] as const)
    const required = model.fields.filter(field => field.required).map(field => field.name)
    definitions.set(name, {
      type: 'object',
      properties: Object.fromEntries(properties.toSorted(([a], [b]) => (a < b ? -1 : 1))),
      ...(required.length === 0 ? {} : { required: required.toSorted() }),
      additionalProperties: false,
    })
    for (const reference of JSON.stringify(properties).matchAll(/#\/definitions\/(\w+)/g)) visit(reference[1] ?? '')
  }
  for (const info of knownKinds) visit(info.model)
  const sorted = [...definitions].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return { kubernetes: modelRelease(), definitions: Object.fromEntries(sorted) }
}

/** One property a line, so that a change of Kubernetes is a readable diff. */
export function formatDefinitions({ kubernetes, definitions }: Definitions): string {
  const blocks = Object.entries(definitions).map(([name, schema]) => {
    const properties = Object.entries(schema.properties ?? {}).map(
      ([field, value]) => `        ${JSON.stringify(field)}: ${JSON.stringify(value)}`,
    )
    const body = properties.length === 0 ? '{}' : `{\n${properties.join(',\n')}\n      }`
    const required = schema.required === undefined ? '' : `,\n      "required": ${JSON.stringify(schema.required)}`
    return `    ${JSON.stringify(name)}: {\n      "type": "object",\n      "properties": ${body}${required},\n      "additionalProperties": false\n    }`
  })
  return `{\n  "kubernetes": ${JSON.stringify(kubernetes)},\n  "definitions": {\n${blocks.join(',\n')}\n  }\n}\n`
}

if (import.meta.main) {
  const target = new URL('../schemas/definitions.json', import.meta.url)
  writeFileSync(target, formatDefinitions(generateDefinitions()))
}
