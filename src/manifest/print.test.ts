import assert from 'node:assert/strict'
import test from 'node:test'
import { composeSlice } from './document.ts'
import { printManifest, printYaml } from './print.ts'

function readBack(text: string): unknown {
  const documents = composeSlice({ text, offset: 0 })
  assert.equal(documents.length, 1, text)
  assert.deepEqual(documents[0]?.findings, [], text)
  return documents[0]?.value
}

test('prints apiVersion, kind and metadata first, and lists at their key', () => {
  const pod = {
    spec: { containers: [{ image: 'busybox', name: 'web', args: ['-c', 'echo "hi"\nsleep 1\n'] }] },
    metadata: { labels: {}, name: 'web' },
    kind: 'Pod',
    apiVersion: 'v1',
  }
  const text = `apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {}
spec:
  containers:
  - name: web
    image: busybox
    args:
    - "-c"
    - |
      echo "hi"
      sleep 1
`
  assert.equal(printManifest([pod]), text)
  assert.equal(printManifest([pod, pod]), `${text}---\n${text}`)
})

test('quotes the strings that a reader would take for another type', () => {
  const strings = [
    '0644',
    '0o17',
    '1:30',
    'yes',
    'n',
    'on',
    'Null',
    '~',
    '',
    '2001-01-01',
    '1e3',
    '.5',
    '.inf',
    '0x1F',
    '1_000',
  ]
  strings.push(
    '2001-01-01T00:00:00Z',
    '<<',
    '-',
    '- a',
    'a: b',
    'a #b',
    '#a',
    '&a',
    '*a',
    '!a',
    '%a',
    '@a',
    '`a`',
    '{a',
    '[a',
    '|',
    '>',
  )
  strings.push(
    ' a',
    'a ',
    'a:',
    '"',
    "'",
    '\t',
    '\u0000',
    '\u001b[0m\n',
    '\u007f',
    '\u0085',
    '\uffff\n\ufffe',
    '\u2028',
    '\ufeff',
    '---',
    '...',
    '? a',
    'true',
    'FALSE',
    '+1',
    '-1',
    '=',
  )
  for (const string of strings) {
    const printed = printYaml({ key: string, [string]: 1, list: [string] })
    assert.deepEqual(readBack(printed), { key: string, [string]: 1, list: [string] }, printed)
  }
  for (const plain of ['busybox:1.36', '/bin/sh', '10.0.0.1', 'a-b', 'nginx@sha256:0a', '$(VAR)', 'a=b'])
    assert.equal(printYaml(plain), `${plain}\n`)
  for (const typed of ['yes', '0644', '1:30', '2001-01-01', '1e3']) assert.equal(printYaml(typed), `"${typed}"\n`)
})

test('keeps every kind of multi-line text', () => {
  const texts = [
    'a\nb',
    'a\nb\n',
    'a\nb\n\n\n',
    '\na\n',
    '  a\nb\n',
    '\n  a\nb',
    'a \nb',
    'a\r\nb\n',
    'a\n\tb\n',
    '\n',
    'a\n---\nb\n',
    'a\n\n\nb',
  ]
  for (const text of texts) {
    const value = { text, nested: { list: [text, { text }] } }
    assert.deepEqual(readBack(printYaml(value)), value, JSON.stringify(text))
  }
})

test('what is printed reads back the same, whatever it is', () => {
  let seed = 20240607
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31
    return seed % below
  }
  const alphabet = [
    'a',
    'Y',
    '0',
    '1',
    ':',
    ' ',
    '-',
    '\n',
    '#',
    '"',
    "'",
    '\\',
    '.',
    'e',
    '_',
    '{',
    ']',
    ',',
    '\t',
    '~',
    '\u00e9',
    '\u{1f600}',
    '|',
    '?',
    '<',
    '=',
  ]
  const text = (): string => Array.from({ length: random(9) }, () => alphabet[random(alphabet.length)]).join('')
  const value = (depth: number): unknown => {
    const kind = random(depth > 3 ? 4 : 6)
    if (kind === 0) return random(1000) - 500
    if (kind === 1) return random(2) === 0
    if (kind <= 3) return text()
    const items = Array.from({ length: random(4) }, () => value(depth + 1))
    return kind === 4 ? items : Object.fromEntries(items.map(item => [text(), item]))
  }
  for (let round = 0; round < 2000; round++) {
    const original = { root: value(0) }
    const printed = printYaml(original)
    assert.deepEqual(readBack(printed), original, printed)
  }
})
