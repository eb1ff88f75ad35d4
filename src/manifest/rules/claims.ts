/** PersistentVolumeClaims and PersistentVolumes. Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go. */
import type {
  V1PersistentVolume,
  V1PersistentVolumeClaim,
  V1PersistentVolumeClaimSpec,
  V1StorageClass,
} from '@kubernetes/client-node'
import type { FieldPath } from '../../diagnostic.ts'
import { forbidden, invalid, notSupported, required, warning } from '../finding.ts'
import { compareQuantities, formatQuantity } from '../quantity.ts'
import { checkForm, checkNotEmpty, checkOneOf, type Findings } from './check.ts'
import { checkDnsSubdomain } from './names.ts'
import { checkHostPath, checkNoBacksteps } from './paths.ts'
import { checkNodeSelector } from './scheduling.ts'
import { checkSelector } from './selector.ts'
import { checkRequiredFields, persistentVolumeSourceFields } from './volume-sources.ts'

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']
const volumeModes = ['Block', 'Filesystem']

function* checkAccessModes(at: FieldPath, modes: readonly string[] | undefined, detail: string): Findings {
  const given = modes ?? []
  if (given.length === 0) yield required(at, detail)
  for (const [index, mode] of given.entries())
    if (!accessModes.includes(mode)) yield { ...notSupported(at, mode, accessModes), at: [...at, index] }
  if (given.includes('ReadWriteOncePod') && given.some(mode => mode !== 'ReadWriteOncePod'))
    yield forbidden(at, 'may not use ReadWriteOncePod with other access modes')
}

export function* checkClaim(claim: V1PersistentVolumeClaim): Findings {
  yield* checkClaimSpec(['spec'], claim.spec ?? {})
  for (const [key, value] of Object.entries(claim.metadata?.annotations ?? {})) {
    const isUsual = key === `${podman}driver` && value === 'local'
    const meaning = key.startsWith(podman) && !isUsual ? podmanSettings[key.slice(podman.length)] : undefined
    if (meaning !== undefined)
      yield { ...warning(['metadata', 'annotations', key], 'AnnotationNotSupported', ...meaning), atKey: true }
  }
}

const podman = 'volume.podman.io/'
const noMounts = 'volumes are directories of this machine'

/** What of podman's volumes has no counterpart, and what to do instead; `uid` and `gid` have. Source: podman-kube-play(1). */
const podmanSettings: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  driver: [`it has no effect: ${noMounts}`, 'for the files of an image, use a volume of kind image'],
  image: [`it has no effect: ${noMounts}`, 'use a volume of kind image'],
  device: [`it has no effect: ${noMounts}`, 'mount it on the machine and use hostPath'],
  type: [`it has no effect: ${noMounts}`, 'for a tmpfs, use an emptyDir with medium Memory'],
  'mount-options': [`it has no effect: ${noMounts}`, 'mount it on the machine and use hostPath'],
  'import-source': ['nothing is imported: a new volume is empty', 'fill it in an init container, or with `kube cp`'],
}

export function* checkClaimSpec(at: FieldPath, spec: V1PersistentVolumeClaimSpec): Findings {
  yield* checkAccessModes([...at, 'accessModes'], spec.accessModes, 'at least 1 access mode is required')
  yield* checkSelector([...at, 'selector'], spec.selector)
  const storage = spec.resources?.requests?.storage
  const storageAt = [...at, 'resources', 'storage']
  const place = [...at, 'resources', 'requests', 'storage']
  if (storage === undefined) yield { ...required(storageAt), at: place }
  else if (compareQuantities(storage, 0) <= 0)
    yield { ...invalid(storageAt, formatQuantity(storage), 'must be greater than zero'), at: place }
  if (spec.storageClassName !== '')
    yield* checkForm([...at, 'storageClassName'], spec.storageClassName, checkDnsSubdomain)
  yield* checkOneOf([...at, 'volumeMode'], spec.volumeMode, volumeModes)
  for (const field of ['dataSource', 'dataSourceRef'] as const) {
    const source = spec[field]
    if (source === undefined) continue
    yield* checkNotEmpty([...at, field, 'name'], source.name)
    yield* checkNotEmpty([...at, field, 'kind'], source.kind)
    if ((source.apiGroup ?? '') === '' && source.kind !== 'PersistentVolumeClaim')
      yield invalid(
        [...at, field],
        source.kind,
        "must be 'PersistentVolumeClaim' when referencing the default apiGroup",
      )
  }
}

export function* checkPersistentVolume({ spec }: V1PersistentVolume): Findings {
  const at = ['spec']
  yield* checkAccessModes([...at, 'accessModes'], spec?.accessModes, '')
  const capacity = spec?.capacity ?? {}
  const names = Object.keys(capacity)
  if (names.length === 0) yield required([...at, 'capacity'])
  else if (names.length > 1 || names[0] !== 'storage') yield notSupported([...at, 'capacity'], capacity, ['storage'])
  for (const [name, size] of Object.entries(capacity))
    if (compareQuantities(size, 0) <= 0)
      yield invalid([...at, 'capacity', name], formatQuantity(size), 'must be greater than zero')
  const policies = ['Delete', 'Recycle', 'Retain']
  yield* checkOneOf([...at, 'persistentVolumeReclaimPolicy'], spec?.persistentVolumeReclaimPolicy, policies)
  const nodes = spec?.nodeAffinity?.required
  if (spec?.nodeAffinity !== undefined && nodes === undefined)
    yield required([...at, 'nodeAffinity', 'required'], 'must specify required node constraints')
  if (nodes !== undefined) yield* checkNodeSelector([...at, 'nodeAffinity', 'required'], nodes)
  const sources = persistentVolumeSourceFields.filter(field => Reflect.get(spec ?? {}, field) !== undefined)
  for (const other of sources.slice(1)) yield forbidden([...at, other], 'may not specify more than 1 volume type')
  const [source] = sources
  if (source === undefined) yield required(at, 'must specify a volume type')
  else yield* checkRequiredFields([...at, source], source, Reflect.get(spec ?? {}, source))
  if (source === 'hostPath') {
    yield* checkHostPath([...at, source], spec?.hostPath)
    const isRoot = /^\/+$/.test(spec?.hostPath?.path ?? '')
    if (isRoot && spec?.persistentVolumeReclaimPolicy === 'Recycle')
      yield forbidden([...at, 'persistentVolumeReclaimPolicy'], "may not be 'recycle' for a hostPath mount of '/'")
  }
  if (source === 'local') {
    yield* checkNotEmpty([...at, source, 'path'], spec?.local?.path)
    yield* checkNoBacksteps([...at, source, 'path'], spec?.local?.path ?? '')
    if (spec?.nodeAffinity === undefined) yield required([...at, 'nodeAffinity'], 'Local volume requires node affinity')
  }
  if (spec?.storageClassName !== '')
    yield* checkForm([...at, 'storageClassName'], spec?.storageClassName, checkDnsSubdomain)
  yield* checkOneOf([...at, 'volumeMode'], spec?.volumeMode, volumeModes)
}

export function* checkStorageClass(storage: V1StorageClass): Findings {
  if (storage.provisioner !== undefined) yield* checkNotEmpty(['provisioner'], storage.provisioner)
  yield* checkOneOf(['reclaimPolicy'], storage.reclaimPolicy, ['Delete', 'Retain'])
  yield* checkOneOf(['volumeBindingMode'], storage.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer'])
}
