/**
 * Where no volume can be mounted, told before anything is made. An API server takes such a pod, whose containers then fail
 * to be created. Source: runc, checkProcMount and maskPaths; CVE-2019-16884, CVE-2025-31133.
 */
import type { V1Container, V1PodSpec, V1Volume } from '@kubernetes/client-node'
import type { FieldPath } from '../diagnostic.ts'
import type { Finding } from '../manifest/finding.ts'
import { resolvePath } from './posix-path.ts'
import { refused } from './refused.ts'

/** Files that lxcfs and its like put over the kernel's own. Source: runc, checkProcMount. */
const PROC_FILES: ReadonlySet<string> = new Set([
  '/proc/cpuinfo',
  '/proc/diskstats',
  '/proc/loadavg',
  '/proc/meminfo',
  '/proc/net/dev',
  '/proc/slabinfo',
  '/proc/stat',
  '/proc/swaps',
  '/proc/sys/crypto/fips_enabled',
  '/proc/sys/kernel/ns_last_pid',
  '/proc/uptime',
])

/** `path` is the container's own. */
export function mountPlaceFindings(container: V1Container, spec: V1PodSpec, path: FieldPath): readonly Finding[] {
  const volumes = new Map((spec.volumes ?? []).map(volume => [volume.name, volume]))
  return (container.volumeMounts ?? []).flatMap(({ name, mountPath }, index) => {
    const reason = whyNot(resolvePath('/', mountPath), volumes.get(name))
    return reason === undefined ? [] : [refused([...path, 'volumeMounts', index, 'mountPath'], reason)]
  })
}

/** What a directory of the machine holds is only known there. */
function whyNot(place: string, volume: V1Volume | undefined): string | undefined {
  const host = volume?.hostPath?.path
  if (place === '/') return 'a volume cannot be the root of a container: that is its image'
  if (place === '/proc') {
    if (host !== undefined && /\/proc\/*$/.test(host)) return undefined
    return 'only a /proc of the machine can be mounted at /proc: the profiles that confine the container are set there'
  }
  if (place.startsWith('/proc/')) {
    if (PROC_FILES.has(place)) return undefined
    return `below /proc only these can be mounted over: ${[...PROC_FILES].join(', ')}`
  }
  if (place !== '/dev' || host !== undefined || volume?.persistentVolumeClaim) return undefined
  return 'it would hide /dev/null, without which no container starts; a volume can be mounted below /dev'
}
