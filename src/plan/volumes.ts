/** A pod's volumes: what each is made of, with the objects it refers to looked up. */
import type { V1EmptyDirVolumeSource, V1HostPathVolumeSource, V1Volume } from '@kubernetes/client-node'
import type { FieldPath } from '../diagnostic.ts'
import { notSupported, required } from '../manifest/finding.ts'
import { wholeAmount } from './amount.ts'
import { planClaim, planEphemeral } from './claims.ts'
import type { PodContext, PodSource, VolumeResult } from './context.ts'
import { resolveHostPath } from './host-path.ts'
import { refused } from './refused.ts'
import type { EmptyDirPlan, HostPathPlan, HostPathType, PullPolicy } from './types.ts'
import { planConfigMapVolume, planDownwardVolume, planProjectedVolume, planSecretVolume } from './volume-files.ts'

/** What each kind of volume needs that a single machine without those servers and drivers cannot give. */
const REFUSED: Readonly<Partial<Record<keyof V1Volume, string>>> = {
  nfs: 'it needs an NFS server and its client on this machine: mount it on the machine and use hostPath',
  csi: 'it needs a CSI driver: use a persistentVolumeClaim, hostPath or emptyDir',
  iscsi: 'it needs an iSCSI target: attach it to the machine and use hostPath',
  fc: 'it needs a Fibre Channel fabric: attach it to the machine and use hostPath',
  rbd: 'it needs a Ceph cluster: map it on the machine and use hostPath',
  cephfs: 'it needs a Ceph cluster: mount it on the machine and use hostPath',
  glusterfs: 'clusters no longer support it: mount it on the machine and use hostPath',
  gitRepo: 'clusters no longer support it: clone in an init container into an emptyDir',
  flexVolume: 'it needs a FlexVolume driver: use a persistentVolumeClaim, hostPath or emptyDir',
  flocker: 'clusters no longer support it: use a persistentVolumeClaim',
  awsElasticBlockStore: 'it needs the disks of a cloud: use a persistentVolumeClaim',
  gcePersistentDisk: 'it needs the disks of a cloud: use a persistentVolumeClaim',
  azureDisk: 'it needs the disks of a cloud: use a persistentVolumeClaim',
  azureFile: 'it needs the file shares of a cloud: use a persistentVolumeClaim',
  cinder: 'it needs the disks of a cloud: use a persistentVolumeClaim',
  vsphereVolume: 'it needs the disks of a cloud: use a persistentVolumeClaim',
  photonPersistentDisk: 'it needs the disks of a cloud: use a persistentVolumeClaim',
  portworxVolume: 'it needs a Portworx cluster: use a persistentVolumeClaim',
  quobyte: 'it needs a Quobyte cluster: use a persistentVolumeClaim',
  scaleIO: 'it needs a ScaleIO cluster: use a persistentVolumeClaim',
  storageos: 'it needs a StorageOS cluster: use a persistentVolumeClaim',
}

/** `path` is the volume's own, below the pod. */
export function planVolume(volume: V1Volume, source: PodSource, context: PodContext, path: FieldPath): VolumeResult {
  const { name } = volume
  if (volume.hostPath) return planHostPath(name, volume.hostPath, context, [...path, 'hostPath'])
  if (volume.configMap) return planConfigMapVolume(name, volume.configMap, source, context, [...path, 'configMap'])
  if (volume.secret) return planSecretVolume(name, volume.secret, source, context, [...path, 'secret'])
  if (volume.downwardAPI) return planDownwardVolume(name, volume.downwardAPI, [...path, 'downwardAPI'])
  if (volume.projected) return planProjectedVolume(name, volume.projected, source, context, [...path, 'projected'])
  if (volume.persistentVolumeClaim) {
    return planClaim(name, volume.persistentVolumeClaim, source, context, [...path, 'persistentVolumeClaim'])
  }
  if (volume.ephemeral) return planEphemeral(name, volume.ephemeral, source, [...path, 'ephemeral'])
  if (volume.image) {
    const { reference, pullPolicy } = volume.image
    if (!reference) return { findings: [required([...path, 'image', 'reference'])] }
    const policy = (pullPolicy ?? 'IfNotPresent') as PullPolicy
    return { volume: { name, kind: 'image', reference, pullPolicy: policy }, findings: [] }
  }
  for (const [kind, reason] of Object.entries(REFUSED)) {
    if (volume[kind as keyof V1Volume]) return { findings: [refused([...path, kind], reason)] }
  }
  return planEmptyDir(name, volume.emptyDir ?? {}, [...path, 'emptyDir'])
}

const HUGE_PAGES = 'HugePages'

function planEmptyDir(name: string, source: V1EmptyDirVolumeSource, path: FieldPath): VolumeResult {
  const medium = source.medium ?? ''
  const limit = source.sizeLimit === undefined ? 0 : wholeAmount(source.sizeLimit)
  const plan: EmptyDirPlan = {
    name,
    kind: 'emptyDir',
    medium: medium === 'Memory' ? 'memory' : medium.startsWith(HUGE_PAGES) ? 'hugepages' : 'disk',
    ...(limit > 0 ? { sizeLimitBytes: limit } : {}),
  }
  if (medium === '' || medium === 'Memory' || medium === HUGE_PAGES) return { volume: plan, findings: [] }
  const pageSizeBytes = medium.startsWith(`${HUGE_PAGES}-`) ? wholeAmount(medium.slice(HUGE_PAGES.length + 1)) : 0
  if (pageSizeBytes > 0) return { volume: { ...plan, pageSizeBytes }, findings: [] }
  return { findings: [notSupported([...path, 'medium'], medium, ['', 'HugePages', 'HugePages-<size>', 'Memory'])] }
}

function planHostPath(
  name: string,
  source: V1HostPathVolumeSource,
  context: PodContext,
  path: FieldPath,
): VolumeResult {
  const type = (source.type ?? '') as HostPathType
  const { hostPath, findings } = resolveHostPath(source.path, context, [...path, 'path'])
  if (hostPath === undefined) return { findings }
  const volume: HostPathPlan = { name, kind: 'hostPath', path: hostPath, type }
  return { volume, findings }
}
