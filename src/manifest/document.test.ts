import assert from 'node:assert/strict'
import test from 'node:test'
import { composeSlice, LineIndex, readSlice, splitDocuments } from './document.ts'

function valuesOf(text: string): readonly unknown[] {
  return splitDocuments(text).flatMap(slice =>
    composeSlice(slice).map(document => {
      assert.deepEqual(document.findings, [], text)
      return document.value
    }),
  )
}

function findingsOf(text: string): readonly string[] {
  return splitDocuments(text).flatMap(slice =>
    composeSlice(slice).flatMap(({ findings }) =>
      findings.map(({ code, offset }) => `${code} ${slice.offset + offset}`),
    ),
  )
}

test('flow collections may stand at any column, with tabs and comments', () => {
  assert.deepEqual(valuesOf('x:\n  a: ["b",\n  "c"]\n  d: e\n'), [{ x: { a: ['b', 'c'], d: 'e' } }])
  assert.deepEqual(valuesOf('x:\n  a: [\n"b" # c\n]\n'), [{ x: { a: ['b'] } }])
  assert.deepEqual(valuesOf('a: [{\n  b: 1\n}, {\n  b: 2\n}]\nc: d\n'), [{ a: [{ b: 1 }, { b: 2 }], c: 'd' }])
  assert.deepEqual(valuesOf('a: {\n\t"b": 1,\n\t"c": [\n\t\t1\n\t]\n}\n'), [{ a: { b: 1, c: [1] } }])
  assert.deepEqual(valuesOf('- a: |\n    x: [\n  b: [1,\n2]\n'), [[{ a: 'x: [\n', b: [1, 2] }]])
  const document = composeSlice({ text: 'x:\n  a: [\n"b",\n]\n', offset: 0 })[0]
  assert.equal(document?.offsetOf(['x', 'a', 0]), 10)
})

test('documents end at lines of ---, at ... and where a JSON object ends', () => {
  assert.deepEqual(valuesOf('a: 1\n---\nb: 2\n--- # c\nc: 3\n...\n---\n'), [{ a: 1 }, { b: 2 }, { c: 3 }, null])
  assert.deepEqual(valuesOf('{"a":"}"}\n{"b":"\\"{"} {"c":[]}'), [{ a: '}' }, { b: '"{' }, { c: [] }])
  assert.deepEqual(valuesOf('\ufeff%YAML 1.1\n---\na: |\n  ---\n  b\n'), [{ a: '---\nb\n' }])
})

test('what is wrong with the YAML has a place', () => {
  assert.deepEqual(findingsOf('a: 1\nb: {c: 1, c: 2}\na: 2\n'), ['YamlDuplicateKey 15', 'YamlDuplicateKey 21'])
  assert.deepEqual(findingsOf('a: 1\n---\nb: *x\n'), ['YamlAlias 12'])
  assert.deepEqual(findingsOf('a: &x [*x]\n'), ['YamlAlias 7'])
  assert.deepEqual(findingsOf('a: {{ x }}\n'), ['YamlKey 4'])
  assert.deepEqual(findingsOf('a: !!int x\n'), ['YamlTag 9'])
  assert.deepEqual(findingsOf('a:\n  b: 1\n\tc: 2\n'), ['YamlSyntax 10'])
  assert.deepEqual(findingsOf('a: "b\n'), ['YamlSyntax 6'])
})

test('control characters are refused where they stand, in YAML and in JSON', () => {
  const refused = ['\0', '\u0001', '\b', '\v', '\f', '\u000e', '\u000f', '\u0010', '\u001b', '\u001f', '\u007f']
  refused.push('\u0080', '\u0084', '\u0086', '\u008f', '\u0090', '\u009f', '\ufffe', '\uffff')
  for (const char of refused) {
    const told = JSON.stringify(char)
    // Past the first few characters, in texts of both widths that V8 knows.
    const long = 'x'.repeat(1000)
    for (const text of [`a: b\n---\na: |\n  ${char}\n`, `# ${long}\na: ${char}`, `# ${long}\u20ac\na: "${char}"`]) {
      const at = text.indexOf(char)
      assert.deepEqual(findingsOf(text), [`YamlSyntax ${at}`], told)
      const first = splitDocuments(text).map(slice => readSlice(slice))
      assert.ok(
        first.some(([document]) => document?.findings.length === 1),
        told,
      )
    }
    const json = `{"a": "${char}"}`
    assert.deepEqual(findingsOf(json), char < ' ' ? ['YamlSyntax 7'] : [], told)
    assert.deepEqual(readSlice({ text: json, offset: 0 })[0]?.value, char < ' ' ? undefined : { a: char }, told)
  }
  for (const char of ['\t', '\u0085', '\u00a0', '\u00e9', '\ufffd', '\u{1f600}']) {
    const [document] = readSlice({ text: `a: "x${char}y"\n`, offset: 0 })
    assert.deepEqual([document?.findings, document?.value], [[], { a: `x${char}y` }], JSON.stringify(char))
  }
  assert.deepEqual(valuesOf('a: "\\x1b\\0"\r\n'), [{ a: '\u001b\0' }])
  const [broken] = composeSlice({ text: 'a: \u001b[0m', offset: 0 })
  const message = 'control characters are not allowed: in double quotes it can be written as \\x1B'
  assert.equal(broken?.findings[0]?.message, message)
})

test("merge keys: the map's own keys count, then the first of the sources", () => {
  assert.deepEqual(valuesOf('a: &a {x: 1, k: 1}\nb: &b {k: 2, z: 2}\nc: {<<: [*a, *b], x: 0}\nd: {x: 0, <<: *a}\n'), [
    { a: { x: 1, k: 1 }, b: { k: 2, z: 2 }, c: { x: 0, k: 1, z: 2 }, d: { x: 0, k: 1 } },
  ])
})

test('positions count lines and columns from 1', () => {
  const lines = new LineIndex('a\nbc\n\nd')
  const places = [0, 1, 2, 3, 5, 6].map(offset => lines.positionOf(offset))
  assert.deepEqual(
    places.map(({ line, column }) => `${line}:${column}`),
    ['1:1', '1:2', '2:1', '2:2', '3:1', '4:1'],
  )
})

test('an escaped apostrophe, as go-yaml reads it', () => {
  const read = (text: string): unknown => readSlice({ text, offset: 0 })[0]?.value
  assert.deepEqual(read(`a: "it\\'s"\n`), { a: "it's" })
  assert.deepEqual(read(`a: ["\\\\'", "\\\\\\'"]\nb: 1\n`), { a: ["\\'", "\\'"], b: 1 })
  assert.equal(readSlice({ text: `a: "\\'"\nb: "\\q"\n`, offset: 0 })[0]?.findings[0]?.code, 'YamlSyntax')
  const document = readSlice({ text: `a: "\\'\\'"\nb: x\n`, offset: 0 })[0]
  assert.equal(document?.offsetOf(['b']), 13)
})
