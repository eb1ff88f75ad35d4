import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KubeError } from './diagnostic.ts'
import { formatReference, isShortName, lookupNames, parseLocalReference, parseReference } from './image-reference.ts'

const D = `sha256:${'a1'.repeat(32)}`

for (const [text, expected] of [
  ['nginx', 'docker.io/library/nginx:latest'],
  ['nginx:1.27-alpine', 'docker.io/library/nginx:1.27-alpine'],
  ['grafana/grafana', 'docker.io/grafana/grafana:latest'],
  ['docker.io/nginx', 'docker.io/library/nginx:latest'],
  ['index.docker.io/library/nginx:1', 'docker.io/library/nginx:1'],
  ['localhost/web:1', 'localhost/web:1'],
  ['localhost:5000/web', 'localhost:5000/web:latest'],
  ['127.0.0.1:5000/a/b/c:v1', '127.0.0.1:5000/a/b/c:v1'],
  ['[::1]:5000/web', '[::1]:5000/web:latest'],
  ['quay.io/prometheus/node-exporter:v1.8.2', 'quay.io/prometheus/node-exporter:v1.8.2'],
  ['registry.k8s.io/pause:3.10', 'registry.k8s.io/pause:3.10'],
  ['a__b/c-d.e_f', 'docker.io/a__b/c-d.e_f:latest'],
  [`nginx@${D}`, `docker.io/library/nginx@${D}`],
  [`nginx:1@${D}`, `docker.io/library/nginx@${D}`],
  ['UPPER.example/x', 'UPPER.example/x:latest'],
  // An upper case first component is taken for a host, as the distribution grammar has it.
  ['Foo/bar', 'Foo/bar:latest'],
  ['web:T_a.g-1', 'docker.io/library/web:T_a.g-1'],
] as const) {
  test(`${text} is ${expected}`, () => {
    const reference = parseReference(text)
    assert.equal(formatReference(reference), expected)
    assert.equal(formatReference(parseReference(expected)), expected, 'normalizing again changes nothing')
  })
}

for (const [text, reason] of [
  ['', 'empty'],
  ['Nginx', 'must be lowercase'],
  ['library/Nginx:1', 'must be lowercase'],
  ['nginx:', 'tag'],
  ['nginx:-x', 'tag'],
  [`nginx:${'x'.repeat(129)}`, 'tag'],
  ['nginx@sha256:abc', 'digest'],
  [`nginx@${D.toUpperCase()}`, 'digest'],
  [' nginx', 'space'],
  ['ngi nx', 'lower case letters'],
  ['a//b', 'lower case letters'],
  ['../x', 'registry host'],
  ['a---/b', 'lower case letters'],
  ['docker://nginx', 'does not belong'],
  ['https://quay.io/x/y', 'does not belong'],
  [`${'a/'.repeat(130)}b`, '255'],
  ['f'.repeat(64), '64 hex'],
  ['nginx\nfoo', 'lower case letters'],
] as const) {
  test(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.throws(
      () => parseReference(text),
      (error: unknown) =>
        error instanceof KubeError && error.code === 'InvalidImageName' && new RegExp(reason).test(error.message),
    )
  })
}

test('a name made here gets localhost, one with a host keeps it', () => {
  assert.equal(formatReference(parseLocalReference('web:1')), 'localhost/web:1')
  assert.equal(formatReference(parseLocalReference('team/web')), 'localhost/team/web:latest')
  assert.equal(formatReference(parseLocalReference('docker.io/web')), 'docker.io/library/web:latest')
})

test('a short name is looked up among the local ones first', () => {
  assert.deepEqual(lookupNames('web:1'), ['localhost/web:1', 'docker.io/library/web:1'])
  assert.deepEqual(lookupNames('quay.io/web:1'), ['quay.io/web:1'])
  assert.deepEqual(lookupNames('Web'), [])
  assert.equal(isShortName('web'), true)
  assert.equal(isShortName('localhost/web'), false)
})

test('the hint says what to write', () => {
  assert.throws(
    () => parseReference('quay.io/Org/App:V1'),
    (error: unknown) => error instanceof KubeError && error.hint === 'write "quay.io/org/app:V1"',
  )
})
