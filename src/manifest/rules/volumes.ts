/** Volumes of a pod and of a PersistentVolume. Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go, ValidateVolumes. */
import type {
  V1DownwardAPIVolumeFile,
  V1KeyToPath,
  V1ObjectFieldSelector,
  V1ProjectedVolumeSource,
  V1ResourceFieldSelector,
  V1Volume,
  V1VolumeProjection,
} from '@kubernetes/client-node'
import type { FieldPath } from '../../diagnostic.ts'
import { duplicate, type Finding, forbidden, invalid, notSupported, required } from '../finding.ts'
import { compareQuantities, formatQuantity } from '../quantity.ts'
import {
  checkForm,
  checkImage,
  checkNotEmpty,
  checkOneOf,
  checkRequiredForm,
  entriesAt,
  type Findings,
} from './check.ts'
import { checkClaimSpec } from './claims.ts'
import { checkDnsLabel, checkQualifiedName } from './names.ts'
import { checkDescendingPath, checkHostPath } from './paths.ts'
import { checkRequiredFields, volumeSourceFields } from './volume-sources.ts'

/** The volumes of a pod spec; `podName` is known in a Pod, not in a template. */
export function* checkVolumes(path: FieldPath, volumes: readonly V1Volume[] | undefined, podName = ''): Findings {
  const names = new Set<string>()
  const created = new Set<string>()
  for (const volume of volumes ?? [])
    if (volume.ephemeral !== undefined && podName !== '') created.add(`${podName}-${volume.name}`)
  for (const [at, volume] of entriesAt(path, volumes)) {
    yield* checkVolumeSource(at, volume)
    yield* checkRequiredForm([...at, 'name'], volume.name, checkDnsLabel)
    if (names.has(volume.name)) yield duplicate([...at, 'name'], volume.name)
    names.add(volume.name)
    const claim = volume.persistentVolumeClaim?.claimName
    if (claim !== undefined && created.has(claim)) {
      const detail = 'must not reference a PVC that gets created for an ephemeral volume'
      yield invalid([...at, 'persistentVolumeClaim', 'claimName'], claim, detail)
    }
  }
}

/** More than one source is forbidden; none at all means emptyDir, as defaulting makes it. */
function* checkVolumeSource(at: FieldPath, volume: V1Volume): Findings {
  const [first, ...others] = volumeSourceFields.filter(field => Reflect.get(volume, field) !== undefined)
  for (const other of others) yield forbidden([...at, other], 'may not specify more than 1 volume type')
  if (first === undefined) return
  const source: object = Reflect.get(volume, first)
  yield* checkRequiredFields([...at, first], first, source)
  if (first === 'emptyDir') {
    const limit = volume.emptyDir?.sizeLimit
    if (limit !== undefined && compareQuantities(limit, 0) < 0)
      yield forbidden([...at, first, 'sizeLimit'], 'SizeLimit field must be a valid resource quantity')
  }
  if (first === 'hostPath') yield* checkHostPath([...at, first], volume.hostPath)
  if (first === 'secret') {
    yield* checkNotEmpty([...at, first, 'secretName'], volume.secret?.secretName)
    yield* checkFiles([...at, first], volume.secret?.defaultMode, volume.secret?.items)
  }
  if (first === 'configMap') {
    yield* checkNotEmpty([...at, first, 'name'], volume.configMap?.name)
    yield* checkFiles([...at, first], volume.configMap?.defaultMode, volume.configMap?.items)
  }
  if (first === 'downwardAPI') {
    yield* checkMode([...at, first, 'defaultMode'], volume.downwardAPI?.defaultMode)
    for (const [fileAt, file] of entriesAt([...at, first, 'items'], volume.downwardAPI?.items))
      yield* checkDownwardFile(fileAt, file)
  }
  if (first === 'projected' && volume.projected !== undefined) yield* checkProjected([...at, first], volume.projected)
  if (first === 'ephemeral') yield* checkEphemeral([...at, first], volume)
  if (first === 'image') {
    yield* checkNotEmpty([...at, first, 'reference'], volume.image?.reference)
    yield* checkImage([...at, first, 'reference'], volume.image?.reference)
    yield* checkOneOf([...at, first, 'pullPolicy'], volume.image?.pullPolicy, ['Always', 'IfNotPresent', 'Never'])
  }
  if (first === 'nfs') {
    const nfsPath = volume.nfs?.path
    if (nfsPath !== undefined && nfsPath !== '' && !nfsPath.startsWith('/'))
      yield invalid([...at, first, 'path'], nfsPath, 'must be an absolute path')
  }
}

/** A path below a directory, and not one of the names that the kubelet's atomic writer uses (`..data`). */
function* checkFilePath(at: FieldPath, path: string | undefined): Findings {
  yield* checkNotEmpty(at, path)
  if (path === undefined) return
  yield* checkDescendingPath(at, path)
  if (path.startsWith('..') && !path.startsWith('../') && path !== '..')
    yield invalid(at, path, "must not start with '..'")
}

function* checkMode(at: FieldPath, mode: number | undefined): Findings {
  if (mode !== undefined && (mode < 0 || mode > 0o777))
    yield invalid(at, mode, 'must be a number between 0 and 0777 (octal), both inclusive')
}

function* checkFiles(at: FieldPath, mode: number | undefined, items: readonly V1KeyToPath[] | undefined): Findings {
  yield* checkMode([...at, 'defaultMode'], mode)
  for (const [itemAt, item] of entriesAt([...at, 'items'], items)) {
    yield* checkNotEmpty([...itemAt, 'key'], item.key)
    yield* checkFilePath([...itemAt, 'path'], item.path)
    yield* checkMode([...itemAt, 'mode'], item.mode)
  }
}

const volumeFieldPaths = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
]

function* checkDownwardFile(at: FieldPath, file: V1DownwardAPIVolumeFile): Findings {
  yield* checkFilePath([...at, 'path'], file.path)
  if (file.fieldRef !== undefined) {
    yield* checkFieldRef([...at, 'fieldRef'], file.fieldRef, volumeFieldPaths)
    if (file.resourceFieldRef !== undefined)
      yield invalid(at, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously')
  } else if (file.resourceFieldRef !== undefined) {
    yield* checkNotEmpty([...at, 'resourceFieldRef', 'containerName'], file.resourceFieldRef.containerName)
    yield* checkResourceRef([...at, 'resourceFieldRef'], file.resourceFieldRef)
  } else yield required(at, 'one of fieldRef and resourceFieldRef is required')
  yield* checkMode([...at, 'mode'], file.mode)
}

/** What the API server's label conversion knows; a subset of it is supported in each place. */
const knownFieldPaths = new Set([
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.hostNetwork',
  'spec.nodeName',
  'spec.restartPolicy',
  'spec.schedulerName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.phase',
  'status.podIP',
  'status.podIPs',
])

export function* checkFieldRef(at: FieldPath, ref: V1ObjectFieldSelector, supported: readonly string[]): Findings {
  const { fieldPath } = ref
  if (fieldPath === undefined) return
  if (fieldPath === '') {
    yield required([...at, 'fieldPath'])
    return
  }
  const subscript = /^(.*)\['(.*)'\]$/s.exec(fieldPath)
  const path = subscript?.[1] ?? fieldPath
  if ((ref.apiVersion ?? 'v1') !== 'v1' && ref.apiVersion !== '') {
    const detail = `error converting fieldPath: unsupported pod version: ${ref.apiVersion}`
    yield invalid([...at, 'fieldPath'], fieldPath, detail)
  } else if (!knownFieldPaths.has(path))
    yield invalid(
      [...at, 'fieldPath'],
      fieldPath,
      `error converting fieldPath: field label not supported: ${fieldPath}`,
    )
  else if (subscript !== null) {
    const key = subscript[2] ?? ''
    if (path === 'metadata.labels') yield* checkForm(at, key, checkQualifiedName)
    else if (path === 'metadata.annotations') yield* checkForm(at, key.toLowerCase(), checkQualifiedName)
    else yield invalid(at, path, 'does not support subscript')
  } else if (!supported.includes(path)) yield notSupported([...at, 'fieldPath'], path, supported)
}

const resourceRefs = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
]
const byteDivisors = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']

export function* checkResourceRef(at: FieldPath, ref: V1ResourceFieldSelector): Findings {
  const { resource } = ref
  if (resource === undefined) return
  const isHugePages = /^(limits|requests)\.hugepages-/.test(resource)
  if (resource === '') yield required([...at, 'resource'])
  else if (!resourceRefs.includes(resource) && !isHugePages)
    yield notSupported([...at, 'resource'], resource, resourceRefs)
  if (ref.divisor === undefined || compareQuantities(ref.divisor, 0) === 0) return
  const isCpu = resource.endsWith('.cpu')
  const divisors = isCpu ? ['1m', '1'] : byteDivisors
  if (divisors.includes(formatQuantity(ref.divisor))) return
  const list = isCpu ? '1m and 1' : byteDivisors.join(', ')
  const kind = isCpu
    ? 'cpu'
    : isHugePages
      ? 'hugepages'
      : resource.endsWith('.memory')
        ? 'memory'
        : 'local ephemeral storage'
  yield invalid([...at, 'divisor'], resource, `only divisor's values ${list} are supported with the ${kind} resource`)
}

const projectionFields = [
  'secret',
  'configMap',
  'downwardAPI',
  'serviceAccountToken',
  'clusterTrustBundle',
  'podCertificate',
]

function* checkProjected(at: FieldPath, projected: V1ProjectedVolumeSource): Findings {
  yield* checkMode([...at, 'defaultMode'], projected.defaultMode)
  const paths = new Set<string>()
  const claimPath = (place: FieldPath, path: string | undefined): Finding | undefined => {
    if (path === undefined || path === '') return undefined
    if (paths.has(path)) return { ...invalid(at, path, 'conflicting duplicate paths'), at: place }
    paths.add(path)
    return undefined
  }
  for (const [sourceAt, source] of entriesAt([...at, 'sources'], projected.sources)) {
    yield* checkProjection(sourceAt, source)
    for (const [place, path] of projectedPaths(sourceAt, source)) {
      const clash = claimPath(place, path)
      if (clash !== undefined) yield clash
    }
  }
}

function* projectedPaths(
  at: FieldPath,
  source: V1VolumeProjection,
): Generator<readonly [FieldPath, string | undefined]> {
  for (const field of ['secret', 'configMap', 'downwardAPI'] as const)
    for (const [itemAt, item] of entriesAt<{ path?: string }>([...at, field, 'items'], source[field]?.items))
      yield [[...itemAt, 'path'], item.path]
  yield [[...at, 'clusterTrustBundle', 'path'], source.clusterTrustBundle?.path]
}

function* checkProjection(at: FieldPath, source: V1VolumeProjection): Findings {
  const present = projectionFields.filter(field => Reflect.get(source, field) !== undefined)
  if (present.length > 1) yield forbidden(at, 'may not specify more than 1 volume type per source')
  for (const field of ['secret', 'configMap'] as const) {
    const config = source[field]
    if (config === undefined) continue
    yield* checkNotEmpty([...at, field, 'name'], config.name)
    yield* checkFiles([...at, field], undefined, config.items)
  }
  for (const [fileAt, file] of entriesAt([...at, 'downwardAPI', 'items'], source.downwardAPI?.items))
    yield* checkDownwardFile(fileAt, file)
  const token = source.serviceAccountToken
  if (token !== undefined) {
    const seconds = token.expirationSeconds ?? 3600
    const secondsAt = [...at, 'serviceAccountToken', 'expirationSeconds']
    if (seconds < 600) yield invalid(secondsAt, seconds, 'may not specify a duration less than 10 minutes')
    if (seconds > 2 ** 32) yield invalid(secondsAt, seconds, 'may not specify a duration larger than 2^32 seconds')
    if (token.path !== undefined) yield* checkFilePath([...at, 'serviceAccountToken', 'path'], token.path)
  }
  const bundle = source.clusterTrustBundle
  if (bundle === undefined) return
  const bundleAt = [...at, 'clusterTrustBundle']
  if (bundle.name !== undefined && bundle.signerName !== undefined)
    yield invalid(bundleAt, bundle, 'only one of name and signerName may be used')
  else if (bundle.name === undefined && bundle.signerName === undefined)
    yield required(bundleAt, 'either name or signerName must be specified')
}

function* checkEphemeral(at: FieldPath, volume: V1Volume): Findings {
  const template = volume.ephemeral?.volumeClaimTemplate
  if (template === undefined) yield required([...at, 'volumeClaimTemplate'])
  else if (template.spec !== undefined) yield* checkClaimSpec([...at, 'volumeClaimTemplate', 'spec'], template.spec)
}
