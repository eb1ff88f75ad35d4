import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { selfSignedCertificate } from './self-signed.ts'

test('a certificate that another reader takes, signed by its own key', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const certificate = new X509Certificate(selfSignedCertificate(key, 'kube', new Date('2026-01-31T23:59:59Z')))
  assert.equal(certificate.subject, 'CN=kube')
  assert.equal(certificate.issuer, 'CN=kube')
  assert.equal(certificate.ca, true)
  assert.equal(certificate.verify(publicKey), true)
  assert.equal(new Date(certificate.validFrom).toISOString(), '2026-01-31T23:59:59.000Z')
  assert.equal(new Date(certificate.validTo).toISOString(), '2036-01-31T23:59:59.000Z')
})
