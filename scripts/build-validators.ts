/**
 * Compiles `schemas/definitions.json` into `build/validators/*.js`: one module per kind, one for the pod spec that
 * many kinds share and one for the status of each kind, so that a file loads only what it needs and no schema is
 * compiled at run time.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import standaloneModule from 'ajv/dist/standalone/index.js'
import { transformSync } from 'esbuild'
import { type KindInfo, knownKinds, validatorName } from '../src/manifest/kinds.ts'
import { type FieldTypes, marksOf } from '../src/manifest/support/marks.ts'
import type { Definitions, Schema } from './generate-schemas.ts'
import { readModel } from './models.ts'

// ajv is CommonJS: its default export is a property of what an ES module imports.
const standaloneCode = standaloneModule.default

const schemasFile = new URL('../schemas/definitions.json', import.meta.url)
const targetFolder = new URL('../build/validators/', import.meta.url)

/** Kubernetes' formats as the keywords that ajv compiles. Patterns apply to strings only. */
const formats: Readonly<Record<string, object>> = {
  int32: { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
  // What lies beyond is looked at in the manifest's text.
  int64: { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
  'int-or-string': { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
  double: {},
  byte: {},
  // Source: k8s.io/apimachinery/pkg/api/resource/quantity.go, parseQuantityString; surrounding space is not trimmed.
  quantity: {
    minimum: Number.MIN_SAFE_INTEGER,
    maximum: Number.MAX_SAFE_INTEGER,
    pattern: '^[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$',
  },
  'date-time': {
    pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$',
  },
}

/**
 * Required by the OpenAPI definitions, yet the API server takes their absence for the zero value. Source: the validation
 * code of k8s.io/kubernetes/pkg/apis, which asks for none of them.
 */
const notEnforced: Readonly<Record<string, readonly string[]>> = {
  V1CustomResourceDefinitionStatus: ['conditions'],
  V1HTTPHeader: ['value'],
  V1ISCSIPersistentVolumeSource: ['lun'],
  V1ISCSIVolumeSource: ['lun'],
  V1PriorityClass: ['value'],
  V1RoleRef: ['apiGroup'],
  V1Sysctl: ['value'],
}

/** Definitions that are a module of their own wherever they stand under properties. */
const sharedModules: Readonly<Record<string, string>> = { V1PodSpec: 'pod-spec' }

/** A part of an object that another module checks. */
interface Part {
  readonly path: readonly string[]
  readonly module: string
}

interface ModuleSource {
  readonly name: string
  readonly model: string
  readonly parts: readonly Part[]
}

function toAjv(schema: Schema, holes: ReadonlySet<string>): object {
  if (schema.$ref !== undefined) return holes.has(referred(schema.$ref)) ? {} : schema
  const { format, items, properties, additionalProperties, ...rest } = schema
  const mapped = Object.entries(properties ?? {}).map(([name, value]) => [name, toAjv(value, holes)])
  return {
    ...rest,
    ...(format === undefined ? {} : formats[format]),
    ...(items === undefined ? {} : { items: toAjv(items, holes) }),
    ...(properties === undefined ? {} : { properties: Object.fromEntries(mapped) }),
    ...(additionalProperties === undefined
      ? {}
      : {
          additionalProperties:
            typeof additionalProperties === 'boolean' ? additionalProperties : toAjv(additionalProperties, holes),
        }),
  }
}

function referred(reference: string): string {
  return reference.slice('#/definitions/'.length)
}

/** Where a kind holds parts that other modules check: its status and its pod template's spec. */
function partsOf(info: KindInfo, definitions: Definitions['definitions']): readonly Part[] {
  const parts: Part[] = []
  const walk = (model: string, path: readonly string[], above: readonly string[]): void => {
    for (const [name, value] of Object.entries(definitions[model]?.properties ?? {})) {
      if (value.$ref === undefined) continue
      const target = referred(value.$ref)
      const shared = sharedModules[target]
      if (path.length === 0 && name === 'status')
        parts.push({ path: ['status'], module: `${validatorName(info)}-status` })
      else if (shared !== undefined) parts.push({ path: [...path, name], module: shared })
      else if (!above.includes(target)) walk(target, [...path, name], [...above, target])
    }
  }
  walk(info.model, [], [info.model])
  return parts
}

function moduleSources(definitions: Definitions['definitions']): readonly ModuleSource[] {
  const sources = Object.entries(sharedModules).map(([model, name]): ModuleSource => ({ name, model, parts: [] }))
  for (const info of knownKinds) {
    sources.push({ name: validatorName(info), model: info.model, parts: partsOf(info, definitions) })
    const status = definitions[info.model]?.properties?.status?.$ref
    if (status !== undefined)
      sources.push({ name: `${validatorName(info)}-status`, model: referred(status), parts: [] })
  }
  return sources
}

function compile(source: ModuleSource, definitions: Definitions['definitions'], fields: FieldTypes): string {
  const holes = new Set(Object.keys(sharedModules).filter(model => model !== source.model))
  const needed = new Map<string, object>()
  const visit = (name: string): void => {
    const found = definitions[name]
    if (needed.has(name) || holes.has(name) || found === undefined) return
    const ownStatus = name === source.model && source.parts.some(part => part.path[0] === 'status')
    const definition = ownStatus ? { ...found, properties: { ...found.properties, status: {} } } : found
    const required = definition.required?.filter(field => notEnforced[name]?.includes(field) !== true)
    needed.set(name, toAjv({ ...definition, ...(required === undefined ? {} : { required }) }, holes))
    for (const reference of JSON.stringify(definition).matchAll(/#\/definitions\/(\w+)/g)) visit(reference[1] ?? '')
  }
  visit(source.model)
  const ajv = new Ajv({
    allErrors: true,
    messages: false,
    strict: false,
    validateFormats: false,
    inlineRefs: false,
    code: { source: true, esm: true, optimize: 2 },
  })
  const validate = ajv.compile({ $ref: `#/definitions/${source.model}`, definitions: Object.fromEntries(needed) })
  const marks = marksOf(source.model, fields, holes)
  const constants = `export const parts = ${JSON.stringify(source.parts)}\nexport const marks = ${JSON.stringify(marks)}`
  return `${standaloneCode(ajv, validate)}\n${constants}`
}

/** A property's type in a word: `string`, `V1PodSpec`, `[]V1Container`, `{}string`. */
function typeWord(schema: Schema): string {
  if (schema.$ref !== undefined) return referred(schema.$ref)
  if (schema.items !== undefined) return `[]${typeWord(schema.items)}`
  if (typeof schema.additionalProperties === 'object') return `{}${typeWord(schema.additionalProperties)}`
  if (schema.format !== undefined && schema.format !== 'byte') return schema.format
  return typeof schema.type === 'string' ? schema.type : 'any'
}

/** The properties of every definition with their types in a word. */
export function fieldTypes(definitions: Definitions['definitions']): FieldTypes {
  const fields = Object.entries(definitions).map(([model, { properties }]) => [
    model,
    Object.fromEntries(Object.entries(properties ?? {}).map(([name, schema]) => [name, typeWord(schema)])),
  ])
  return Object.fromEntries(fields)
}

/** What `kube explain` prints: the documentation is client-node's, so it is taken from there and not kept in the repo. */
function docsModule(definitions: Definitions['definitions']): string {
  const docs = Object.keys(definitions).map(name => {
    const model = readModel(name)
    const fields = model.fields.map(field => [field.name, field.description])
    const required = model.fields.filter(field => field.required).map(field => field.name)
    return [name, { description: model.description, required, fields: Object.fromEntries(fields) }]
  })
  return `export const docs = ${JSON.stringify(Object.fromEntries(docs))}`
}

/** So that who reads meanwhile reads the old file or the new one. */
function replaceFile(name: string, content: string): void {
  const unfinished = new URL(`${name}.${process.pid}`, targetFolder)
  writeFileSync(unfinished, content)
  renameSync(unfinished, new URL(name, targetFolder))
}

/** Writes `build/validators/`, replacing what is there. */
export function buildValidators(): void {
  const { definitions } = JSON.parse(readFileSync(schemasFile, 'utf8')) as Definitions
  const fields = fieldTypes(definitions)
  mkdirSync(targetFolder, { recursive: true })
  const files = new Map<string, string>([
    ['fields.js', `export const fields = ${JSON.stringify(fields)}`],
    ['docs.js', docsModule(definitions)],
  ])
  for (const source of moduleSources(definitions)) {
    const code = compile(source, definitions, fields)
    if (/\brequire\(/.test(code)) throw new Error(`${source.name}: the validator needs ajv at run time`)
    files.set(`${source.name}.js`, transformSync(code, { minify: true }).code)
  }
  for (const [name, content] of files) replaceFile(name, content)
  for (const name of readdirSync(targetFolder)) if (!files.has(name)) rmSync(new URL(name, targetFolder))
}

if (import.meta.main) buildValidators()
