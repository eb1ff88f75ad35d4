import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KubeError } from '../diagnostic.ts'
import { findValues, renderTemplate, renderTemplateJson } from './jsonpath.ts'

const list = {
  kind: 'List',
  items: [
    {
      kind: 'Pod',
      metadata: { name: 'web', labels: { 'app.kubernetes.io/name': 'web', tier: 'front' } },
      spec: { containers: [{ name: 'a', ports: [{ containerPort: 80 }] }, { name: 'b' }] },
      status: { capacity: { cpu: 4 }, ready: true },
    },
    { kind: 'Pod', metadata: { name: 'db' }, spec: { containers: [{ name: 'c' }] }, status: { capacity: { cpu: 8 } } },
  ],
}

// The results are those of kubectl for the same data.
const cases: readonly (readonly [string, string])[] = [
  ['{.kind}', 'List'],
  ['{$.kind}', 'List'],
  ['{.items[*].metadata.name}', 'web db'],
  ['{.items[0].metadata.name}', 'web'],
  ['{.items[-1].metadata.name}', 'db'],
  ['{.items[0:1].metadata.name}', 'web'],
  ['{.items[:].metadata.name}', 'web db'],
  ["{.items[0]['metadata']['name']}", 'web'],
  ['{.items[0].metadata.labels.app\\.kubernetes\\.io/name}', 'web'],
  ["{.items[0].metadata.labels['app\\.kubernetes\\.io/name']}", 'web'],
  ["{.items[*]['metadata.name', 'kind']}", 'Pod Pod'],
  ['{..name}', 'web a b db c'],
  ['{.items[?(@.metadata.name=="db")].status.capacity.cpu}', '8'],
  ['{.items[?(@.status.capacity.cpu > 4)].metadata.name}', 'db'],
  ['{.items[?(@.status.ready)].metadata.name}', 'web'],
  ['{.items[?(@.status.ready==true)].metadata.name}', 'web'],
  ['{.items[*].status.capacity}', '{"cpu":4} {"cpu":8}'],
  ['{range .items[*]}[{.metadata.name}, {.status.capacity}] {end}', '[web, {"cpu":4}] [db, {"cpu":8}] '],
  [
    '{range .items[*]}{.metadata.name}{"\\t"}{range .spec.containers[*]}{.name}{","}{end}{"\\n"}{end}',
    'web\ta,b,\ndb\tc,\n',
  ],
  ['{range .items[*]}{$.kind}/{.metadata.name} {end}', 'List/web List/db '],
  ['names: {.items[*].metadata.name}!', 'names: web db!'],
  ['{.missing.at.all}', ''],
  ['{.items[7].metadata.name}', ''],
  ['{.items[0].spec.containers[*].ports[0].containerPort}', '80'],
  ['{@.kind}', 'List'],
  ['', ''],
]

for (const [template, expected] of cases) {
  test(`renders ${template}`, () => assert.equal(renderTemplate(template, list), expected))
}

for (const template of [
  '{',
  '{.a',
  '{range .items[*]}',
  '{end}',
  '{.a[}',
  '{.a[?(@.b==]}',
  '{"x}',
  '{.}}{',
  '{.a[::0]}',
]) {
  test(`refuses ${template} with the place`, () => {
    assert.throws(
      () => renderTemplate(template, list),
      (error: unknown) => {
        assert.ok(error instanceof KubeError)
        assert.equal(error.code, 'BadTemplate')
        assert.equal(error.exitStatus, 2)
        return true
      },
    )
  })
}

test('as JSON, each part is an array of what it finds', () => {
  assert.equal(renderTemplateJson('{.items[*].metadata.name}', list), '[\n    "web",\n    "db"\n]\n')
  assert.equal(renderTemplateJson('{.items[1].status}', list), json([{ capacity: { cpu: 8 } }]))
  assert.equal(renderTemplateJson('{.missing}', list), '[]\n')
  const ranged = renderTemplateJson('{range .items[*]}{.metadata.name}{"\\n"}{end}', list)
  assert.equal(ranged, [['web'], ['\n'], ['db'], ['\n']].map(json).join(''))
})

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 4)}\n`
}

test('a bare path is relative to the object', () => {
  for (const path of ['metadata.name', '.metadata.name', '{.metadata.name}'])
    assert.deepEqual(findValues(path, list.items[0]), ['web'])
})

test('names of the prototype are not found', () => {
  assert.equal(renderTemplate('{.constructor}{.__proto__}{.items.length}', list), '')
})
