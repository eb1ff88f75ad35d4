import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expandVariables, referencedVariables } from './variables.ts'

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

test('tells the names a text refers to', () => {
  assert.deepEqual(referencedVariables('$(A)/$$(B)/$(C)$(A)'), ['A', 'C', 'A'])
})
