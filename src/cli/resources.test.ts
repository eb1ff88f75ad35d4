import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDuration } from './duration.ts'
import { parseOutput } from './print-objects.ts'
import { findResourceKind, parseResources, qualifiedPlural, resourceKind } from './resources.ts'

function requests(...args: readonly string[]): readonly string[] {
  return parseResources(args).map(({ kind, name }) => (name === undefined ? kind.kind : `${kind.kind}/${name}`))
}

test('kinds by every name that kubectl takes', () => {
  for (const text of ['pod', 'pods', 'po', 'Pod', 'PODS', 'pods.v1'])
    assert.equal(findResourceKind(text)?.kind, 'Pod', text)
  for (const text of ['deploy', 'deployments.apps', 'deployment.v1.apps', 'deployments.v1.apps'])
    assert.equal(findResourceKind(text)?.kind, 'Deployment', text)
  for (const text of ['', 'pods.apps', 'deployments.batch', 'gizmo', 'constructor'])
    assert.equal(findResourceKind(text), undefined, text)
  assert.equal(findResourceKind('hpa')?.apiVersion, 'autoscaling/v2')
})

test('what the arguments ask for', () => {
  assert.deepEqual(requests('pods'), ['Pod'])
  assert.deepEqual(requests('po', 'web', 'db'), ['Pod/web', 'Pod/db'])
  assert.deepEqual(requests('po,svc'), ['Pod', 'Service'])
  assert.deepEqual(requests('pod/web', 'deploy/api'), ['Pod/web', 'Deployment/api'])
  assert.deepEqual(requests('all').slice(0, 2), ['Pod', 'Service'])
  assert.throws(() => requests(), { code: 'Usage' })
  assert.throws(() => requests('gizmos'), { code: 'UnknownResource' })
  for (const text of ['pod/', '/web', 'pod/a/b']) assert.throws(() => requests(text), { code: 'Usage' }, text)
  assert.throws(() => requests('pod/web', 'db'), { code: 'Usage' })
  assert.equal(qualifiedPlural(resourceKind('Deployment')), 'deployments.apps')
  assert.equal(qualifiedPlural(resourceKind('Pod')), 'pods')
})

test('durations as Go writes them', () => {
  assert.equal(parseDuration('90s'), 90_000)
  assert.equal(parseDuration('1h30m'), 5_400_000)
  assert.equal(parseDuration('1.5m'), 90_000)
  assert.equal(parseDuration('250ms'), 250)
  assert.equal(parseDuration('15'), 15_000)
  for (const text of ['', 'm', '5 m', '-5s', '5d', '1h30'])
    assert.throws(() => parseDuration(text), { code: 'Usage' }, text)
})

test('output formats', () => {
  assert.deepEqual(parseOutput(undefined), { kind: 'table' })
  assert.deepEqual(parseOutput('jsonpath={.a=="b"}'), { kind: 'jsonpath', template: '{.a=="b"}' })
  assert.deepEqual(parseOutput('custom-columns=A:.a,B:.b[0,1]'), {
    kind: 'columns',
    columns: [
      { title: 'A', path: '.a' },
      { title: 'B', path: '.b[0,1]' },
    ],
  })
  for (const text of ['xml', 'jsonpath', 'jsonpath=', 'custom-columns=A', 'jsonpath-file=/does/not/exist'])
    assert.throws(() => parseOutput(text), { code: 'Usage', exitStatus: 2 }, text)
})
