/**
 * What stands for a cluster's own authority: a key of this state root, by which service accounts' tokens are signed.
 * Nobody but a program that is given the certificate will believe them. Source: RFC 7519, k8s.io/kubernetes/pkg/serviceaccount.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { errnoOf } from '../../diagnostic.ts'
import type { TokenRequest } from '../../plan/file-contents.ts'
import { selfSignedCertificate } from '../sys/self-signed.ts'

const ISSUER = 'https://kubernetes.default.svc.cluster.local'
const COMMON_NAME = 'kubernetes'

/** Whom a token is for, besides its service account. */
export interface TokenBearer {
  readonly namespace: string
  readonly pod: string
  readonly podUid: string
  readonly node: string
}

export interface KeyAuthority {
  /** A JSON Web Token, valid from now. */
  sign(request: TokenRequest, bearer: TokenBearer): string
  certificate(): string
}

/** Keeps its key in `directory`, readable by its owner only; made when it is first needed. */
export function openAuthority(directory: string): KeyAuthority {
  const key = () =>
    ensureFile(directory, 'key.pem', () =>
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    )
  return {
    sign(request, bearer) {
      const { audience, expirationSeconds, serviceAccount } = request
      const { namespace } = bearer
      const now = Math.floor(Date.now() / 1000)
      const pem = key()
      const header = { alg: 'ES256', kid: keyId(pem) }
      const claims = {
        aud: [audience],
        exp: now + expirationSeconds,
        iat: now,
        iss: ISSUER,
        jti: randomUUID(),
        'kubernetes.io': {
          namespace,
          node: { name: bearer.node },
          pod: { name: bearer.pod, uid: bearer.podUid },
          serviceaccount: { name: serviceAccount, uid: nameUuid(`${namespace}/${serviceAccount}`) },
        },
        nbf: now,
        sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
      }
      const text = `${encode(header)}.${encode(claims)}`
      const signature = sign('sha256', Buffer.from(text), { key: pem, dsaEncoding: 'ieee-p1363' })
      return `${text}.${signature.toString('base64url')}`
    },
    certificate: () => ensureFile(directory, 'ca.crt', () => selfSignedCertificate(key(), COMMON_NAME, new Date())),
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** As kube-apiserver names its keys: the digest of the public one. */
function keyId(pem: string): string {
  const publicKey = createPublicKey(createPrivateKey(pem)).export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(publicKey).digest('base64url')
}

/** The same UUID for the same name. Source: RFC 4122, version 5. */
function nameUuid(name: string): string {
  const hash = createHash('sha1').update(name).digest()
  hash[6] = (hash[6]! & 0x0f) | 0x50
  hash[8] = (hash[8]! & 0x3f) | 0x80
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** Of several commands that make it at the same time, one wins. */
function ensureFile(directory: string, name: string, make: () => string): string {
  const path = `${directory}/${name}`
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const scratch = `${path}.${process.pid}`
  writeFileSync(scratch, make(), { mode: 0o600 })
  try {
    linkSync(scratch, path)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  } finally {
    rmSync(scratch, { force: true })
  }
  return readFileSync(path, 'utf8')
}
