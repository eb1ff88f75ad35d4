/** The kinds of volumes and which of their fields may not be empty. */
import type { FieldPath } from '../../diagnostic.ts'
import { checkNotEmpty, type Findings } from './check.ts'

/** In the order in which the API server looks at them: the first is the one that counts. */
const requiredFields: Readonly<Record<string, readonly string[]>> = {
  emptyDir: [],
  hostPath: [],
  gitRepo: ['repository'],
  gcePersistentDisk: ['pdName'],
  awsElasticBlockStore: ['volumeID'],
  secret: [],
  nfs: ['server', 'path'],
  iscsi: ['targetPortal', 'iqn'],
  glusterfs: ['endpoints', 'path'],
  flocker: [],
  persistentVolumeClaim: ['claimName'],
  rbd: ['image'],
  cinder: ['volumeID'],
  cephfs: [],
  quobyte: ['registry', 'volume'],
  downwardAPI: [],
  fc: [],
  flexVolume: ['driver'],
  configMap: [],
  azureFile: ['secretName', 'shareName'],
  vsphereVolume: ['volumePath'],
  photonPersistentDisk: ['pdID'],
  portworxVolume: ['volumeID'],
  azureDisk: ['diskName', 'diskURI'],
  storageos: [],
  projected: [],
  scaleIO: ['gateway', 'system'],
  csi: ['driver'],
  ephemeral: [],
  image: [],
}

/** The fields of a pod's volume that say what it is. */
export const volumeSourceFields: readonly string[] = Object.keys(requiredFields)

/** The fields of a PersistentVolume's spec that say what it is. */
export const persistentVolumeSourceFields: readonly string[] = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'flocker',
  'nfs',
  'rbd',
  'quobyte',
  'cephfs',
  'iscsi',
  'cinder',
  'fc',
  'flexVolume',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'scaleIO',
  'local',
  'storageos',
  'csi',
]

/** Fields that are there but empty; absent ones are the schema's to tell. */
export function* checkRequiredFields(at: FieldPath, kind: string, source: object): Findings {
  for (const field of requiredFields[kind] ?? []) {
    const value: unknown = Reflect.get(source, field)
    if (value === '') yield* checkNotEmpty([...at, field], value)
  }
}
