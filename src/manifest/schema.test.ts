import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'
import {
  type Definitions,
  formatDefinitions,
  generateDefinitions,
  type Schema,
} from '../../scripts/generate-schemas.ts'
import { knownKinds, validatorName } from './kinds.ts'
import { stringMapFields } from './nulls.ts'
import { loadValidator, validatorNames } from './validators.ts'

const schemasFile = new URL('../../schemas/definitions.json', import.meta.url)
const officialFile = new URL('../../../shared/data/k8s-openapi-definitions.json', import.meta.url)

const committed = JSON.parse(readFileSync(schemasFile, 'utf8')) as Definitions

test('the committed schemas are what the installed client-node gives', () => {
  assert.equal(readFileSync(schemasFile, 'utf8'), formatDefinitions(generateDefinitions()), 'run `npm run schemas`')
})

test('every known kind has a definition, and every compiled validator can be loaded', () => {
  for (const info of knownKinds) {
    assert.ok(committed.definitions[info.model] !== undefined, info.kind)
    assert.ok(validatorNames.includes(validatorName(info)), info.kind)
  }
  const built = readdirSync(new URL('../../build/validators/', import.meta.url))
  const names = built.map(name => name.replace(/\.js$/, '')).filter(name => name !== 'fields' && name !== 'docs')
  assert.deepEqual(names.toSorted(), validatorNames.toSorted())
})

test('the parts of a validator cover every place of the pod spec', async () => {
  for (const [kind, path] of Object.entries({
    pod: 'spec',
    deployment: 'spec.template.spec',
    job: 'spec.template.spec',
    'cron-job': 'spec.jobTemplate.spec.template.spec',
  })) {
    const { parts } = await loadValidator(kind)
    const places = parts.filter(part => part.module === 'pod-spec').map(part => part.path.join('.'))
    assert.deepEqual(places, [path])
  }
})

test('the maps whose nulls are empty strings are maps of strings wherever they stand', () => {
  for (const [model, { properties }] of Object.entries(committed.definitions))
    for (const [name, schema] of Object.entries(properties ?? {})) {
      if (!stringMapFields.has(name) || schema.type !== 'object') continue
      const values = schema.additionalProperties
      assert.equal(typeof values === 'object' ? values.type : undefined, 'string', `${model}.${name}`)
    }
})

interface OfficialSchema {
  readonly $ref?: string
  readonly type?: string
  readonly format?: string
  readonly items?: OfficialSchema
  readonly additionalProperties?: OfficialSchema
  readonly properties?: Readonly<Record<string, OfficialSchema>>
  readonly required?: readonly string[]
}

/** `io.k8s.api.core.v1.Pod` is `V1Pod`; where two groups have the kind, client-node puts the group before it. */
function modelName(official: string): string {
  const [version = '', kind = ''] = official.split('.').slice(-2)
  const name = version.replace(/^v/, 'V') + kind
  const group = official.split('.').at(-3) ?? ''
  const prefixed = `${group[0]?.toUpperCase()}${group.slice(1)}${name}`
  return committed.definitions[prefixed] === undefined ? name : prefixed
}

/** The type of a field in words that both sides share. */
function officialWord(schema: OfficialSchema): string {
  const name = schema.$ref?.slice('#/definitions/'.length)
  if (name !== undefined) {
    const special: Readonly<Record<string, string>> = {
      'io.k8s.apimachinery.pkg.api.resource.Quantity': 'quantity',
      'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': 'any',
      'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'date-time',
      'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 'date-time',
      'io.k8s.apimachinery.pkg.runtime.RawExtension': 'any',
      'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'int-or-string',
    }
    return special[name] ?? modelName(name)
  }
  if (schema.items !== undefined) return `[]${officialWord(schema.items)}`
  if (schema.additionalProperties !== undefined) return `{}${officialWord(schema.additionalProperties)}`
  return schema.format ?? schema.type ?? 'any'
}

function ownWord(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.slice('#/definitions/'.length)
  if (schema.items !== undefined) return `[]${ownWord(schema.items)}`
  if (typeof schema.additionalProperties === 'object') return `{}${ownWord(schema.additionalProperties)}`
  return schema.format ?? String(schema.type ?? 'any')
}

const withoutOfficial = existsSync(officialFile) ? false : 'needs ../shared/data'

test('agrees with the official definitions field by field', { skip: withoutOfficial }, () => {
  const official = JSON.parse(readFileSync(officialFile, 'utf8')) as {
    readonly definitions: Readonly<Record<string, OfficialSchema>>
  }
  let compared = 0
  for (const [name, schema] of Object.entries(official.definitions)) {
    const own = committed.definitions[modelName(name)]
    if (own === undefined || schema.properties === undefined || name.endsWith('List')) continue
    compared++
    const expected = Object.entries(schema.properties).map(([field, value]) => [field, officialWord(value)])
    const actual = Object.entries(own.properties ?? {}).map(([field, value]) => [field, ownWord(value)])
    assert.deepEqual(Object.fromEntries(actual), Object.fromEntries(expected), name)
    assert.deepEqual((own.required ?? []).toSorted(), (schema.required ?? []).toSorted(), name)
  }
  assert.ok(compared > 230, `compared only ${compared} definitions`)
})
