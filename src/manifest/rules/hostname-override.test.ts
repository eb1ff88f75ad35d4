import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorsIn } from '../../../test/support/findings.ts'

const podOf = (spec: string, container = '') =>
  `apiVersion: v1\nkind: Pod\nmetadata: { name: web }\nspec: { containers: [{ name: main, image: a:1${container} }]${spec} }`

test('a host name that replaces all others', async () => {
  const of = (spec: string) => errorsIn(podOf(`, hostnameOverride: ${spec}`))
  assert.deepEqual(await of('a.b, hostname: c, subdomain: d'), [])
  assert.deepEqual(await of('a, setHostnameAsFQDN: true'), [
    'spec.setHostnameAsFQDN: Forbidden: may not be set together with hostnameOverride',
  ])
  assert.deepEqual(await of('a, hostNetwork: true'), [
    'spec.hostNetwork: Forbidden: may not be set together with hostnameOverride',
  ])
  assert.deepEqual(await of('a'.repeat(65)), ['spec.hostnameOverride: Too long: may not be more than 64 bytes'])
})
