/** ConfigMap and Secret. Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go, ValidateConfigMap and ValidateSecret. */
import type { V1ConfigMap, V1Secret } from '@kubernetes/client-node'
import type { FieldPath } from '../../diagnostic.ts'
import { invalid, required, tooLong } from '../finding.ts'
import type { Findings } from './check.ts'
import { checkConfigKey } from './names.ts'

/** Bytes of all values together. */
const maxSize = 1024 * 1024

type Texts = Readonly<Record<string, string>>

function* checkKeys(at: FieldPath, texts: Texts): Findings {
  for (const key of Object.keys(texts))
    for (const message of checkConfigKey(key)) yield { ...invalid([...at, key], key, message), atKey: true }
}

function* checkBase64(at: FieldPath, texts: Texts): Findings {
  for (const [key, text] of Object.entries(texts)) {
    const offset = base64Problem(text)
    if (offset !== undefined) yield invalid([...at, key], '<redacted>', `illegal base64 data at input byte ${offset}`)
  }
}

/** The offset at which Go's decoder gives up; line breaks are passed over. */
function base64Problem(text: string): number | undefined {
  const compact = /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, '') : text
  const stray = /[^A-Za-z0-9+/=]/.exec(compact)
  if (stray !== null) return stray.index
  const padding = compact.indexOf('=')
  const body = padding === -1 ? compact.length : padding
  const missing = (4 - (body % 4)) % 4
  if (compact.length - body === missing && missing !== 3) return undefined
  return padding === -1 ? body - (body % 4) : compact.length
}

function base64Bytes(text: string): number {
  return Math.floor((text.replace(/[=\r\n]/g, '').length * 3) / 4)
}

function textBytes(text: string): number {
  return Buffer.byteLength(text)
}

function sum(texts: Texts, sizeOf: (text: string) => number): number {
  return Object.values(texts).reduce((total, text) => total + sizeOf(text), 0)
}

export function* checkConfigMap(config: V1ConfigMap): Findings {
  const { data = {}, binaryData = {} } = config
  yield* checkKeys(['data'], data)
  for (const key of Object.keys(data))
    if (Object.hasOwn(binaryData, key))
      yield { ...invalid(['data', key], key, 'duplicate of key present in binaryData'), atKey: true }
  yield* checkKeys(['binaryData'], binaryData)
  yield* checkBase64(['binaryData'], binaryData)
  if (sum(data, textBytes) + sum(binaryData, base64Bytes) > maxSize) yield { ...tooLong([], maxSize), at: ['data'] }
}

/** The keys that a type of Secret must have. */
const requiredKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
}

export function* checkSecret(secret: V1Secret): Findings {
  const { data = {}, stringData = {}, type = 'Opaque' } = secret
  yield* checkKeys(['data'], data)
  yield* checkKeys(['stringData'], stringData)
  yield* checkBase64(['data'], data)
  const decoded = new Map(Object.entries(data).map(([key, text]) => [key, decode(text)]))
  for (const [key, text] of Object.entries(stringData)) decoded.set(key, text)
  const size = [...decoded.values()].reduce((total, text) => total + textBytes(text), 0)
  if (size > maxSize) yield tooLong(['data'], maxSize)
  for (const key of requiredKeys[type] ?? []) if (!decoded.has(key)) yield required(['data', key])
  if (type === 'kubernetes.io/basic-auth' && !decoded.has('username') && !decoded.has('password')) {
    yield required(['data', 'username'])
    yield required(['data', 'password'])
  }
  if (type === 'kubernetes.io/service-account-token') {
    const key = 'kubernetes.io/service-account.name'
    if (!secret.metadata?.annotations?.[key]) yield required(['metadata', 'annotations', key])
  }
  for (const key of ['.dockercfg', '.dockerconfigjson']) {
    const text = decoded.get(key)
    if (!requiredKeys[type]?.includes(key) || text === undefined || isJsonObject(text)) continue
    const field = Object.hasOwn(stringData, key) ? 'stringData' : 'data'
    yield { ...invalid(['data', key], '<secret contents redacted>', 'must be a JSON object'), at: [field, key] }
  }
}

function decode(text: string): string {
  return new TextDecoder('latin1').decode(Uint8Array.from(safeAtob(text), char => char.charCodeAt(0)))
}

function safeAtob(text: string): string {
  return base64Problem(text) === undefined ? atob(text.replace(/[\r\n]/g, '')) : ''
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return value === null || (typeof value === 'object' && !Array.isArray(value))
  } catch {
    return false
  }
}
