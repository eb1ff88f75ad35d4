import assert from 'node:assert/strict'
import test from 'node:test'
import { literalBlock } from './block-lines.ts'

/** What follows a header that stands on a line of its own. */
const read = (text: string, chomping = '', parentIndent = 0) => literalBlock(text, 0, parentIndent, chomping)?.value

test('a block ends before the first line that is indented less', () => {
  assert.deepEqual(literalBlock('  a\n   b\nkey: c\n', 0, 0, ''), { value: 'a\n b\n', end: 8 })
  assert.deepEqual(literalBlock('  a\n', 0, 0, ''), { value: 'a\n', end: 3 })
})

test('chomping', () => {
  const text = '\n  a\n\n  b\n\n\nkey: c\n'
  assert.equal(read(text), '\na\n\nb\n')
  assert.equal(read(text, '-'), '\na\n\nb')
  assert.equal(read(text, '+'), '\na\n\nb\n\n\n')
})

test('the last line of a text may lack its line feed', () => {
  assert.equal(read('  a\n  b'), 'a\nb')
  assert.equal(read('  a\n  b', '+'), 'a\nb')
})

test('blank lines keep the spaces beyond the indentation', () => {
  assert.equal(read('  a\n \n    \n  b\n'), 'a\n\n  \nb\n')
})

test('what is empty or of doubtful indentation is for the composer', () => {
  for (const text of ['', '\n', 'a\n', '  \n  a\n', '\ta\n', ' \ta\n', '    a\n  b\n', '  a\n # comment\n', '  a\n   '])
    assert.equal(read(text), undefined, JSON.stringify(text))
  assert.equal(literalBlock('key: |', 7, 0, ''), undefined)
})
