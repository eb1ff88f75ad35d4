import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KubeError } from '../diagnostic.ts'
import { renderError, table } from './render.ts'

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

test('what a failure names does not drive the terminal', () => {
  const cause = new Error('no such file \u001b]0;title\u0007')
  const error = new KubeError('ManifestNotFound', 'a\u001b[31m.yaml', { cause, hint: '\u009b2J' })
  const text = renderError({ colour: false }, error)
  assert.equal(text, 'kube: a^[[31m.yaml: no such file ^[]0;title^G\n  hint: \\u009b2J\n')
})
