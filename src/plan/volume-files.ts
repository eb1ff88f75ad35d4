/** Volumes made of files: configMap, secret, downwardAPI and projected. */
import type {
  V1ConfigMapVolumeSource,
  V1DownwardAPIVolumeFile,
  V1DownwardAPIVolumeSource,
  V1KeyToPath,
  V1ProjectedVolumeSource,
  V1SecretVolumeSource,
  V1VolumeProjection,
} from '@kubernetes/client-node'
import type { FieldPath } from '../diagnostic.ts'
import { type Finding, invalid } from '../manifest/finding.ts'
import type { PodContext, PodSource, VolumeResult } from './context.ts'
import type { KeyContents } from './key-content.ts'
import { configMapFiles, secretFiles } from './lookup.ts'
import { hasDotDot, isAbsolute } from './posix-path.ts'
import { refused } from './refused.ts'
import type { FilePlan, FilesPlan } from './types.ts'

const DEFAULT_MODE = 0o644
/** One hour. Source: k8s.io/api/core/v1 ServiceAccountTokenProjection. */
const DEFAULT_TOKEN_SECONDS = 3600
/** Who a token is for when its manifest does not say: the API server's own issuer. */
const DEFAULT_AUDIENCE = 'https://kubernetes.default.svc.cluster.local'

interface FilesResult {
  readonly files: readonly FilePlan[]
  readonly findings: readonly Finding[]
}

const NO_FILES: FilesResult = { files: [], findings: [] }

export function planConfigMapVolume(
  name: string,
  source: V1ConfigMapVolumeSource,
  pod: PodSource,
  context: PodContext,
  path: FieldPath,
): VolumeResult {
  const mode = source.defaultMode ?? DEFAULT_MODE
  const wanted = { ...source, name: source.name ?? '', mode }
  return filesVolume(name, 'configMap', mode, configMapEntries(wanted, pod, context, [...path, 'name'], path))
}

export function planSecretVolume(
  name: string,
  source: V1SecretVolumeSource,
  pod: PodSource,
  context: PodContext,
  path: FieldPath,
): VolumeResult {
  const mode = source.defaultMode ?? DEFAULT_MODE
  const wanted = { ...source, name: source.secretName ?? '', mode }
  return filesVolume(name, 'secret', mode, secretEntries(wanted, pod, context, [...path, 'secretName'], path))
}

export function planDownwardVolume(name: string, source: V1DownwardAPIVolumeSource, path: FieldPath): VolumeResult {
  const mode = source.defaultMode ?? DEFAULT_MODE
  return filesVolume(name, 'downwardAPI', mode, downwardEntries(source.items ?? [], mode, [...path, 'items']))
}

export function planProjectedVolume(
  name: string,
  source: V1ProjectedVolumeSource,
  pod: PodSource,
  context: PodContext,
  path: FieldPath,
): VolumeResult {
  const mode = source.defaultMode ?? DEFAULT_MODE
  const results = (source.sources ?? []).map((part, index) =>
    projectedEntries(part, mode, pod, context, [...path, 'sources', index]),
  )
  // By what may come into it: a secret that is optional and not there yet counts.
  const sensitive = (source.sources ?? []).some(part => part.secret || part.serviceAccountToken)
  return filesVolume(
    name,
    'projected',
    mode,
    { files: results.flatMap(result => result.files), findings: results.flatMap(result => result.findings) },
    sensitive,
  )
}

function projectedEntries(
  part: V1VolumeProjection,
  mode: number,
  pod: PodSource,
  context: PodContext,
  path: FieldPath,
): FilesResult {
  if (part.configMap) {
    const at = [...path, 'configMap']
    return configMapEntries(
      { ...part.configMap, name: part.configMap.name ?? '', mode },
      pod,
      context,
      [...at, 'name'],
      at,
    )
  }
  if (part.secret) {
    const at = [...path, 'secret']
    return secretEntries({ ...part.secret, name: part.secret.name ?? '', mode }, pod, context, [...at, 'name'], at)
  }
  if (part.downwardAPI) {
    return downwardEntries(part.downwardAPI.items ?? [], mode, [...path, 'downwardAPI', 'items'])
  }
  if (part.serviceAccountToken) {
    const { path: file, audience = '', expirationSeconds } = part.serviceAccountToken
    const token = {
      audience: audience === '' ? DEFAULT_AUDIENCE : audience,
      expirationSeconds: expirationSeconds ?? DEFAULT_TOKEN_SECONDS,
    }
    const findings = pathFindings(file, [...path, 'serviceAccountToken', 'path'])
    return { files: findings.length > 0 ? [] : [{ path: file, mode, token }], findings }
  }
  if (part.clusterTrustBundle) {
    return {
      files: [],
      findings: [refused([...path, 'clusterTrustBundle'], 'there is no API server that issues trust bundles')],
    }
  }
  if (part.podCertificate) {
    return {
      files: [],
      findings: [refused([...path, 'podCertificate'], 'there is no API server that signs pod certificates')],
    }
  }
  return NO_FILES
}

interface KeyedSource {
  readonly name: string
  readonly items?: readonly V1KeyToPath[]
  readonly optional?: boolean
  readonly mode: number
}

function configMapEntries(
  source: KeyedSource,
  pod: PodSource,
  context: PodContext,
  namePath: FieldPath,
  path: FieldPath,
): FilesResult {
  const configMap = context.find('ConfigMap', pod.namespace, source.name)
  if (configMap) return keyedEntries(configMapFiles(configMap), source, 'ConfigMap', path)
  if (source.name === ROOT_CERTIFICATE) return certificateEntry(source)
  return source.optional === true ? NO_FILES : { files: [], findings: [missing(namePath, 'configmap', source.name)] }
}

/** A ConfigMap that every namespace of a cluster has. Source: k8s.io/kubernetes/pkg/controller/certificates/rootcacertpublisher. */
const ROOT_CERTIFICATE = 'kube-root-ca.crt'
const CERTIFICATE_KEY = 'ca.crt'

function certificateEntry({ items, mode }: KeyedSource): FilesResult {
  const wanted = items?.length ? items.filter(item => item.key === CERTIFICATE_KEY) : [{ path: CERTIFICATE_KEY, mode }]
  return {
    files: wanted.map(item => ({ path: item.path, mode: item.mode ?? mode, certificate: 'authority' as const })),
    findings: [],
  }
}

function secretEntries(
  source: KeyedSource,
  pod: PodSource,
  context: PodContext,
  namePath: FieldPath,
  path: FieldPath,
): FilesResult {
  const secret = context.find('Secret', pod.namespace, source.name)
  if (secret) return keyedEntries(secretFiles(secret), source, 'Secret', path)
  return source.optional === true ? NO_FILES : { files: [], findings: [missing(namePath, 'secret', source.name)] }
}

/** An object that neither the manifests nor earlier apps define: the container could not start. */
export function missing(path: FieldPath, kind: 'configmap' | 'secret', name: string): Finding {
  const lacks = { kind: kind === 'secret' ? 'Secret' : 'ConfigMap', name }
  return { severity: 'error', code: 'ObjectNotFound', message: `${kind} "${name}" not found`, path, lacks }
}

/** All keys, or those that `items` picks. */
function keyedEntries(
  data: KeyContents,
  source: KeyedSource,
  kind: 'ConfigMap' | 'Secret',
  path: FieldPath,
): FilesResult {
  const secret = kind === 'Secret' ? { secret: true } : {}
  if (!source.items || source.items.length === 0) {
    const keys = Object.keys(data).toSorted()
    return { files: keys.map(key => ({ path: key, mode: source.mode, ...data[key]!, ...secret })), findings: [] }
  }
  const files: FilePlan[] = []
  const findings: Finding[] = []
  for (const [index, item] of source.items.entries()) {
    const at = [...path, 'items', index]
    const content = data[item.key]
    findings.push(...pathFindings(item.path, [...at, 'path']))
    if (content !== undefined) files.push({ path: item.path, mode: item.mode ?? source.mode, ...content, ...secret })
    else if (source.optional !== true) findings.push(missingKey([...at, 'key'], kind, source.name, item.key))
  }
  return { files, findings }
}

/** The kubelet's words for it. */
export function missingKey(path: FieldPath, kind: 'ConfigMap' | 'Secret', name: string, key: string): Finding {
  return { severity: 'error', code: 'KeyNotFound', message: `couldn't find key ${key} in ${kind} ${name}`, path }
}

function downwardEntries(items: readonly V1DownwardAPIVolumeFile[], mode: number, path: FieldPath): FilesResult {
  const files: FilePlan[] = []
  const findings: Finding[] = []
  for (const [index, item] of items.entries()) {
    const base = { path: item.path, mode: item.mode ?? mode }
    findings.push(...pathFindings(item.path, [...path, index, 'path']))
    if (item.fieldRef) files.push({ ...base, field: item.fieldRef.fieldPath })
    else if (item.resourceFieldRef) {
      const { containerName = '', resource, divisor } = item.resourceFieldRef
      files.push({ ...base, resource: { container: containerName, resource, divisor: divisor ?? '0' } })
    }
  }
  return { files, findings }
}

/** A file must stay in its volume, and out of the way of the links that replace all files at once. */
function pathFindings(path: string, at: FieldPath): readonly Finding[] {
  if (path === '' || isAbsolute(path)) return [invalid(at, path, 'must be a relative path')]
  if (hasDotDot(path)) return [invalid(at, path, "must not contain '..'")]
  if (path.startsWith('..')) return [invalid(at, path, "must not start with '..'")]
  return []
}

/** Of two files with one path the later one counts, as in the kubelet. */
function filesVolume(
  name: string,
  source: FilesPlan['source'],
  mode: number,
  result: FilesResult,
  sensitive = source === 'secret',
): VolumeResult {
  const files = [...new Map(result.files.map(file => [file.path, file])).values()]
  const volume: FilesPlan = { name, kind: 'files', source, medium: sensitive ? 'memory' : 'disk', mode, files }
  const failed = result.findings.some(finding => finding.severity === 'error')
  return { ...(failed ? {} : { volume }), findings: result.findings }
}
