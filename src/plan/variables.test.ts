import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expandVariables } from './variables.ts'

const values: Readonly<Record<string, string>> = { A: 'a', B: '$(A)', EMPTY: '', 'x-y.z': 'odd' }
const lookup = (name: string) => values[name]

// Source of the cases: k8s.io/kubernetes/third_party/forked/golang/expansion/expand_test.go.
const cases: Readonly<Record<string, string>> = {
  '': '',
  plain: 'plain',
  '$(A)': 'a',
  '<$(A)-$(A)>': '<a-a>',
  '$(B)': '$(A)',
  '$(EMPTY)': '',
  '$(x-y.z)': 'odd',
  '$(UNKNOWN)': '$(UNKNOWN)',
  '$$(A)': '$(A)',
  '$$$(A)': '$a',
  '$$$$(A)': '$$(A)',
  '$$$$$(A)': '$$a',
  $A: '$A',
  $: '$',
  $$: '$',
  '$(A': '$(A',
  '$(A$(A)': '$(A$(A)',
  'a$(': 'a$(',
  '$()': '$()',
  '\n$(A)\n': '\na\n',
}

for (const [text, expected] of Object.entries(cases)) {
  test(`expands ${JSON.stringify(text)}`, () => assert.equal(expandVariables(text, lookup), expected))
}

test('refuses what the kernel would not take, before it fills the memory', () => {
  const text = 'x'.repeat(1000)
  assert.equal(expandVariables('$(L)'.repeat(131), () => text).length, 131_000)
  assert.throws(() => expandVariables('$(L)'.repeat(132), () => text), { code: 'ArgumentTooLong' })
})

test('the time for unclosed references grows as they do', () => {
  const text = '$('.repeat(1_000_000)
  const started = process.cpuUsage()
  assert.equal(expandVariables(text, lookup), text)
  // Milliseconds; square growth takes minutes.
  assert.ok(process.cpuUsage(started).user < 5_000_000)
})
