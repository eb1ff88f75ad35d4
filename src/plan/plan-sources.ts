/** Planning pods that a controller makes, long after their manifest was read. */
import type { V1PersistentVolume, V1PersistentVolumeClaim } from '@kubernetes/client-node'
import type { KubernetesObject } from '../manifest/types.ts'
import { bindVolumes } from './bindings.ts'
import type { PodSource } from './context.ts'
import { type NamedObject, namedObject, objectFinder } from './lookup.ts'
import { type PodResult, planPod } from './plan-pod.ts'
import type { PodSettings } from './types.ts'

export interface SourceOptions {
  /** Everything that is recorded. */
  readonly objects: readonly NamedObject[]
  /** Claims that come with the pods. */
  readonly claims: readonly V1PersistentVolumeClaim[]
  /** Absolute directory that the manifest's relative host paths start from. */
  readonly baseDir?: string
  readonly seccompRoot?: string
  readonly settings?: PodSettings
  /** Default `kube`. */
  readonly network?: string
  /** Default `cluster.local`. */
  readonly clusterDomain?: string
}

/** The same pods give the same plans as `planApp` would. */
export function planSources(sources: readonly PodSource[], options: SourceOptions): readonly PodResult[] {
  const claims = options.claims as readonly KubernetesObject[]
  const known = [...options.objects, ...claims.map(namedObject)]
  const context = {
    find: objectFinder(known),
    network: options.network ?? 'kube',
    clusterDomain: options.clusterDomain ?? 'cluster.local',
    boundVolume: bindVolumes(
      valuesOf<V1PersistentVolumeClaim>(known, 'PersistentVolumeClaim'),
      valuesOf<V1PersistentVolume>(known, 'PersistentVolume'),
    ),
    ...(options.baseDir === undefined ? {} : { baseDir: options.baseDir }),
    ...(options.seccompRoot === undefined ? {} : { seccompRoot: options.seccompRoot }),
    ...(options.settings === undefined ? {} : { settings: options.settings }),
  }
  return sources.map(source => planPod(source, context))
}

function valuesOf<T>(objects: readonly NamedObject[], kind: string): readonly T[] {
  return objects.filter(object => object.kind === kind).map(({ value }) => value) as unknown as readonly T[]
}
