import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { fieldTypes } from '../../../scripts/build-validators.ts'
import { supportDocument } from '../../../scripts/generate-docs.ts'
import type { Definitions } from '../../../scripts/generate-schemas.ts'
import { knownKinds } from '../kinds.ts'
import { listKind, listSupport } from './listing.ts'
import { stepsInto } from './marks.ts'
import { supportOf, supportTable } from './table.ts'

const top = fileURLToPath(new URL('../../../', import.meta.url))
const { definitions } = JSON.parse(readFileSync(`${top}schemas/definitions.json`, 'utf8')) as Definitions
const fields = fieldTypes(definitions)

/** The definitions that objects of kinds with fields of their own can reach, save those below what is not honoured. */
function reachable(): ReadonlySet<string> {
  const seen = new Set<string>()
  const visit = (name: string): void => {
    if (seen.has(name) || fields[name] === undefined) return
    seen.add(name)
    for (const [field, type] of Object.entries(fields[name] ?? {}))
      if (supportOf(name, field)?.state === 'honoured') visit(stepsInto(type).definition)
  }
  for (const info of knownKinds) if (info.disposition !== 'accepted') visit(info.model)
  return seen
}

test('every field of every definition that can be reached is in the table, in one state', () => {
  for (const name of reachable())
    for (const field of Object.keys(fields[name] ?? {})) {
      const entry = supportTable[name]
      const states = [
        entry?.honoured?.split(' ').includes(field) === true,
        entry?.accepted?.[field] !== undefined,
        entry?.refused?.[field] !== undefined,
      ]
      assert.equal(states.filter(Boolean).length, 1, `${name}.${field}`)
    }
})

test('the table names no field that does not exist', () => {
  for (const [name, { honoured = '', accepted = {}, refused = {} }] of Object.entries(supportTable)) {
    assert.ok(fields[name] !== undefined, name)
    for (const field of [...honoured.split(' '), ...Object.keys(accepted), ...Object.keys(refused)])
      assert.ok(field === '' || fields[name]?.[field] !== undefined, `${name}.${field}`)
  }
})

test('what is not honoured has a reason', () => {
  for (const { kind, path, state, reason } of listSupport(fields))
    assert.equal(reason !== '', state !== 'honoured', `${kind} ${path}`)
})

test('the whole table has every path of a pod', () => {
  const pod = knownKinds.find(info => info.kind === 'Pod')
  assert.ok(pod !== undefined)
  const paths = new Map(listKind(pod, fields).map(field => [field.path, field]))
  assert.equal(paths.get('spec.containers[].image')?.state, 'honoured')
  assert.equal(paths.get('spec.affinity')?.state, 'accepted')
  assert.equal(paths.get('spec.volumes[].nfs')?.state, 'refused')
  assert.equal(paths.get('spec.containers[].env[].valueFrom.secretKeyRef.key')?.state, 'honoured')
})

test('docs/support.md is current', () => {
  assert.equal(readFileSync(`${top}docs/support.md`, 'utf8'), supportDocument(), 'run `npm run docs`')
})

/** Fields of plain objects that every test uses without naming them, or that name the object itself. */
const everywhere = new Set(['apiVersion', 'kind', 'metadata', 'spec', 'template', 'name'])

/** Honoured fields whose test is still to be written: this list only ever gets shorter. */
const untested: ReadonlySet<string> = new Set([])

test('every honoured field is named in a test', () => {
  const files = globSync(['src/**/*.test.ts', 'test/**/*.ts', 'fixtures/**/*.yaml'], { cwd: top })
  const texts = files.filter(file => !file.endsWith('support.test.ts')).map(file => readFileSync(top + file, 'utf8'))
  const words = new Set(texts.flatMap(text => text.replaceAll('\\n', ' ').match(/[A-Za-z]\w*/g) ?? []))
  const missing: string[] = []
  for (const name of reachable())
    for (const field of Object.keys(fields[name] ?? {})) {
      if (supportOf(name, field)?.state !== 'honoured' || everywhere.has(field)) continue
      if (!words.has(field) && !untested.has(`${name}.${field}`)) missing.push(`${name}.${field}`)
    }
  assert.deepEqual(missing, [])
})
