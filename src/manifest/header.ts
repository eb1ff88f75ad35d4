/** apiVersion, kind and metadata: what an object says it is. */
import { type Finding, required, typeInvalid } from './finding.ts'
import { findKind, isDroppedVersion, type KindInfo, knownKinds, presentVersion } from './kinds.ts'
import { nearest } from './suggest.ts'
import type { KubernetesObject } from './types.ts'

/** A known kind, ready to be checked further. */
export interface KnownHeader {
  readonly info: KindInfo
  readonly object: KubernetesObject
}

export interface UnknownHeader {
  readonly info?: undefined
  readonly findings: readonly Finding[]
}

/** Finds the kind; `skipUnknown` makes an unknown one a warning. */
export function checkHeader(value: unknown, skipUnknown: boolean): KnownHeader | UnknownHeader {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const found = Array.isArray(value) ? 'a list' : `a ${typeof value}`
    const message = `expected an object with apiVersion and kind, found ${found}`
    return { findings: [{ severity: 'error', code: 'NotAnObject', message, path: [] }] }
  }
  const apiVersion: unknown = Reflect.get(value, 'apiVersion')
  const kind: unknown = Reflect.get(value, 'kind')
  const findings = [...checkText('apiVersion', apiVersion), ...checkText('kind', kind)]
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || findings.length > 0) return { findings }
  const info = findKind(apiVersion, kind)
  if (info === undefined) return { findings: [unknownKind(apiVersion, kind, skipUnknown)] }
  const metadata: unknown = Reflect.get(value, 'metadata')
  const complete = typeof metadata === 'object' && metadata !== null ? value : { ...value, metadata: metadata ?? {} }
  return { info, object: complete as KubernetesObject }
}

function checkText(field: string, value: unknown): readonly Finding[] {
  if (value === undefined || value === '') return [required([field], `Object '${field}' is missing`)]
  if (typeof value === 'string') return []
  return [typeInvalid([field], value, `cannot unmarshal ${typeof value} into a field of type string`)]
}

/** kubectl's words for a kind that no API server of the cluster has. */
export function noMatchMessage(apiVersion: string, kind: string): string {
  return `no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}`
}

function unknownKind(apiVersion: string, kind: string, skipUnknown: boolean): Finding {
  const finding: Finding = {
    severity: skipUnknown ? 'warning' : 'error',
    code: 'UnknownKind',
    message: noMatchMessage(apiVersion, kind),
    path: ['kind'],
  }
  if (skipUnknown) return { ...finding, message: `${finding.message}: skipped` }
  return { ...finding, hint: hintFor(apiVersion, kind) }
}

function hintFor(apiVersion: string, kind: string): string {
  const present = presentVersion(kind)
  if (present !== undefined && isDroppedVersion(apiVersion, kind))
    return `Kubernetes no longer serves ${apiVersion}: use apiVersion ${present}`
  if (present !== undefined) return `${kind} is in apiVersion ${present}`
  if (kind === 'Kustomization') return 'this is for kustomize: build it with -k and its directory'
  const names = knownKinds.map(info => info.kind)
  const similar = nearest(kind, names)
  if (similar !== undefined) return `did you mean ${JSON.stringify(similar)}?`
  return 'kube does not know this kind; --skip-unknown passes over it'
}
