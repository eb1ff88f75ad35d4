import assert from 'node:assert/strict'
import { test } from 'node:test'
import { integerOf, jsonText } from './integer.ts'
import { printYaml } from './print.ts'
import { readManifests } from './read.ts'

test('integers of plain scalars, as go-yaml reads them', () => {
  const cases: readonly (readonly [string, bigint | undefined])[] = [
    ['9007199254740993', 9007199254740993n],
    ['-9_007_199_254_740_993', -9007199254740993n],
    ['0x20000000000001', 9007199254740993n],
    ['0400000000000000001', 0o400000000000000001n],
    ['9007199254740993.0', undefined],
    ['1e3', undefined],
    ['08', undefined],
  ]
  for (const [source, value] of cases) assert.equal(integerOf(source), value, source)
})

test('all digits are printed, of numbers and not of text', () => {
  const value = {
    exact: 2 ** 60,
    largest: 2 ** 63,
    least: -(2 ** 63),
    small: 1.5,
    huge: 1e21,
    text: '9223372036854776000',
  }
  assert.equal(
    jsonText(value),
    '{"exact":1152921504606846976,"largest":9223372036854775807,"least":-9223372036854775808,"small":1.5,"huge":1e+21,"text":"9223372036854776000"}',
  )
  assert.match(printYaml(value), /^exact: 1152921504606846976\nlargest: 9223372036854775807\n/)
})

async function findings(field: string, value: string): Promise<readonly string[]> {
  const text = `
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  ${field}: ${value}
  containers: [{name: c, image: i}]
`
  const { diagnostics } = await readManifests([{ name: 'p.yaml', text }])
  return diagnostics.map(({ code, message }) => `${code}: ${message}`)
}

test('an int64 that is kept, one that would be another, and one that is none', async () => {
  const grace = (value: string) => findings('terminationGracePeriodSeconds', value)
  for (const value of ['9007199254740991', '9007199254740992', '9223372036854775807', '1152921504606846976', '1e15'])
    assert.deepEqual(await grace(value), [], value)
  const limit = 'FieldNotSupported: Not supported: of integers beyond 9007199254740991 not all digits can be kept'
  assert.deepEqual(await grace('9007199254740993'), [`${limit}: this would become 9007199254740992`])
  assert.deepEqual(await grace('9223372036854775806'), [`${limit}: this would become 9223372036854775807`])
  const type = 'Go struct field PodSpec.spec.terminationGracePeriodSeconds of type int64'
  for (const value of ['9223372036854775808', '18446744073709551616'])
    assert.deepEqual(await grace(value), [
      `FieldValueTypeInvalid: Invalid value: ${value}: cannot unmarshal number ${value} into ${type}`,
    ])
})

test('a quantity that is a number is kept in full, or is to be quoted', async () => {
  const memory = (value: string) => findings('resources', `{limits: {memory: ${value}}}`)
  assert.deepEqual(await memory('9007199254740992'), [])
  assert.deepEqual(await memory('"9007199254740993"'), [])
  assert.match((await memory('9007199254740993')).join(), /^FieldNotSupported: .* would become 9007199254740992$/)
})
