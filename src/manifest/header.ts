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
  if (kind === undefined && Reflect.has(value, 'services')) return { findings: [isCompose(findings)] }
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || findings.length > 0) return { findings }
  const info = findKind(apiVersion, kind)
  if (info === undefined) return { findings: [unknownKind(apiVersion, kind, skipUnknown)] }
  const metadata: unknown = Reflect.get(value, 'metadata')
  const complete = typeof metadata === 'object' && metadata !== null ? value : { ...value, metadata: metadata ?? {} }
  return { info, object: complete as KubernetesObject }
}

function isCompose([first]: readonly Finding[]): Finding {
  const hint = 'this looks like a compose file: `kompose convert` makes manifests of one'
  return { ...(first ?? required(['kind'])), hint }
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
  if (kind === 'Kustomization') return 'this is for kustomize: build it with -k and its directory'
  if (removedKinds.has(kind)) return `Kubernetes has had no ${kind} since ${removedKinds.get(kind)}: leave it out`
  if (!isKubernetesGroup(apiVersion)) return unknownHint
  const present = presentVersion(kind)
  if (present !== undefined && isDroppedVersion(apiVersion, kind))
    return `Kubernetes no longer serves ${apiVersion}: use apiVersion ${present}`
  if (present !== undefined) return `${kind} is in apiVersion ${present}`
  const names = knownKinds.map(info => info.kind)
  const similar = nearest(kind, names)
  if (similar !== undefined) return `did you mean ${JSON.stringify(similar)}?`
  return unknownHint
}

const unknownHint = 'kube does not know this kind; --skip-unknown passes over it'

/** Kinds without a successor, and the version that no longer had them. Source: the deprecated API migration guide. */
const removedKinds = new Map([
  ['PodSecurityPolicy', '1.25'],
  ['PodPreset', '1.20'],
  ['ThirdPartyResource', '1.8'],
])

/** Whether the group is one of Kubernetes' own: others have kinds of the same names, such as Knative's Service. */
function isKubernetesGroup(apiVersion: string): boolean {
  const [group = '', version] = apiVersion.split('/')
  return version === undefined || !group.includes('.') || group.endsWith('.k8s.io')
}
