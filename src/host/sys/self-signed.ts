/** A certificate of one's own for a key, in PEM. Node.js reads certificates but makes none. Source: RFC 5280, X.690. */
import { createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto'

const SEQUENCE = 0x30
const SET = 0x31
const INTEGER = 0x02
const BIT_STRING = 0x03
const OCTET_STRING = 0x04
const OBJECT = 0x06
const UTF8 = 0x0c
const UTC_TIME = 0x17
const BOOLEAN = 0x01

/** Identifiers, in the encoding they have. */
const ECDSA_SHA256 = Buffer.from('2a8648ce3d040302', 'hex')
const COMMON_NAME = Buffer.from('550403', 'hex')
const BASIC_CONSTRAINTS = Buffer.from('551d13', 'hex')
const KEY_USAGE = Buffer.from('551d0f', 'hex')
/** digitalSignature, keyEncipherment and keyCertSign, as a cluster's own authority has them. */
const USAGE = Buffer.from('02a4', 'hex')

const YEARS = 10

/** For an elliptic curve key in PEM. Valid from `now` for ten years. */
export function selfSignedCertificate(privateKey: string, commonName: string, now: Date): string {
  const algorithm = der(SEQUENCE, der(OBJECT, ECDSA_SHA256))
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, der(OBJECT, COMMON_NAME), der(UTF8, Buffer.from(commonName)))))
  const until = new Date(now)
  until.setUTCFullYear(now.getUTCFullYear() + YEARS)
  const publicKey = createPublicKey(createPrivateKey(privateKey)).export({ type: 'spki', format: 'der' })
  const body = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, Buffer.of(2))),
    der(INTEGER, Buffer.concat([Buffer.of(1), randomBytes(8)])),
    algorithm,
    name,
    der(SEQUENCE, der(UTC_TIME, utcTime(now)), der(UTC_TIME, utcTime(until))),
    name,
    publicKey,
    der(
      0xa3,
      der(
        SEQUENCE,
        extension(BASIC_CONSTRAINTS, der(SEQUENCE, der(BOOLEAN, Buffer.of(0xff)))),
        extension(KEY_USAGE, der(BIT_STRING, USAGE)),
      ),
    ),
  )
  const signature = sign('sha256', body, privateKey)
  const certificate = der(SEQUENCE, body, algorithm, der(BIT_STRING, Buffer.of(0), signature))
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function extension(identifier: Buffer, value: Buffer): Buffer {
  return der(SEQUENCE, der(OBJECT, identifier), der(BOOLEAN, Buffer.of(0xff)), der(OCTET_STRING, value))
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content])
  const size = length < 0x100 ? Buffer.of(0x81, length) : Buffer.of(0x82, length >> 8, length & 0xff)
  return Buffer.concat([Buffer.of(tag), size, content])
}

/** `260131235959Z`. */
function utcTime(date: Date): Buffer {
  return Buffer.from(`${date.toISOString().slice(2, 19).replace(/[-T:]/g, '')}Z`)
}
