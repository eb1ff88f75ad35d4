import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fieldFilter, labelFilter } from './selector.ts'

const web = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', labels: { app: 'web', 'example.com/tier': 'front', empty: '' } },
  status: { phase: 'Running' },
}

const holds = ['', 'app', 'app=web', 'app==web', 'app in (db, web)', 'app=web,example.com/tier=front', '!canary']
const fails = ['!app', 'app=db', 'app!=web', 'app notin (web)', 'canary', 'app=web,canary', 'app in (db)', 'canary=']

test('label selectors', () => {
  for (const text of [...holds, 'canary!=x', 'canary notin (x)', 'empty='])
    assert.equal(labelFilter(text)(web), true, text)
  for (const text of fails) assert.equal(labelFilter(text)(web), false, text)
})

test('field selectors', () => {
  assert.equal(fieldFilter('status.phase=Running', 'Pod')(web), true)
  assert.equal(fieldFilter('status.phase!=Running', 'Pod')(web), false)
  assert.equal(fieldFilter('metadata.name=web,status.phase==Running', 'Pod')(web), true)
  assert.equal(fieldFilter('spec.nodeName=', 'Pod')(web), true)
  assert.equal(fieldFilter('spec.hostNetwork=false', 'Pod')(web), true)
  assert.throws(() => fieldFilter('status.phas=Running', 'Pod'), {
    code: 'BadSelector',
    message: 'Error from server (BadRequest): field label not supported: status.phas',
  })
  assert.throws(() => fieldFilter('status.phase=Running', 'ConfigMap'), { code: 'BadSelector' })
})

test('what is no selector is refused', () => {
  for (const text of ['=x', 'a=b=c', 'a in b', 'a b', '!', 'a,,b'])
    assert.throws(() => labelFilter(text), { code: 'BadSelector' }, text)
  assert.throws(() => fieldFilter('phase', 'Pod'), { code: 'BadSelector' })
})
