import assert from 'node:assert/strict'
import { test } from 'node:test'
import { table } from './render.ts'

test('a column is as wide as its longest cell', () => {
  assert.equal(
    table(
      ['NAME', 'AGE'],
      [
        ['a', '1s'],
        ['longer', ''],
      ],
    ),
    'NAME     AGE\na        1s\nlonger\n',
  )
})

test('a cell beyond the limit of its column stands alone', () => {
  const rows = [
    ['pod/web', 'one'],
    [`pod/${'x'.repeat(20)}`, 'two'],
  ]
  assert.equal(
    table(['OBJECT', 'MESSAGE'], rows, { most: [10] }),
    `OBJECT    MESSAGE\npod/web   one\npod/${'x'.repeat(20)}   two\n`,
  )
})
