import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { diagnosticCodes } from './codes.ts'
import { readManifests } from './read.ts'

async function codesOf(text: string): Promise<readonly string[]> {
  const { diagnostics } = await readManifests([{ name: 'example.yaml', text }])
  return diagnostics.map(diagnostic => diagnostic.code)
}

for (const [code, { bad, good }] of Object.entries(diagnosticCodes)) {
  if (bad === undefined || good === undefined) continue
  test(`the examples of ${code}: the bad one has it, the good one has no error`, async () => {
    assert.ok((await codesOf(bad)).includes(code), bad)
    const { diagnostics } = await readManifests([{ name: 'example.yaml', text: good }])
    assert.ok(!diagnostics.some(diagnostic => diagnostic.code === code), good)
    assert.deepEqual(
      diagnostics.filter(diagnostic => diagnostic.severity === 'error'),
      [],
      good,
    )
  })
}

test('every code that the manifest stage gives is documented', () => {
  const folder = new URL('./', import.meta.url)
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    name => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.startsWith('codes'),
  )
  const used = new Set<string>()
  for (const name of sources) {
    const source = readFileSync(new URL(name, folder), 'utf8')
    for (const [, code] of source.matchAll(
      /'((?:Yaml|FieldValue|Field|Kind|Reference|Selector|Unknown|NotAn|Duplicate)[A-Z]\w+)'/g,
    ))
      used.add(code ?? '')
  }
  assert.ok(used.size > 15)
  for (const code of used) assert.ok(diagnosticCodes[code] !== undefined, code)
})
