/** emptyDir volumes. Source: k8s.io/kubernetes/pkg/volume/emptydir. */
import { chmodSync } from 'node:fs'
import type { EmptyDirPlan } from '../../plan/types.ts'
import { MS, mount } from '../sys/libc.ts'

/** Any user of the pod may write to it. */
const MODE = 0o777

/**
 * Makes an empty directory what the volume calls for. One in memory is never larger than the memory its pod may use; one
 * of huge pages holds nothing but mapped files.
 */
export function prepareEmptyDir(directory: string, volume: EmptyDirPlan, podMemoryBytes: number | undefined): void {
  if (volume.medium === 'memory') {
    const limits = [volume.sizeLimitBytes, podMemoryBytes].filter(bytes => bytes !== undefined)
    const size = limits.length === 0 ? '' : `,size=${Math.min(...limits)}`
    mount('tmpfs', directory, 'tmpfs', MS.NOSUID | MS.NODEV, `mode=0777${size}`)
  }
  if (volume.medium === 'hugepages') {
    const page = volume.pageSizeBytes === undefined ? '' : `,pagesize=${volume.pageSizeBytes}`
    const size = volume.sizeLimitBytes === undefined ? '' : `,size=${volume.sizeLimitBytes}`
    mount('hugetlbfs', directory, 'hugetlbfs', MS.NOSUID | MS.NODEV, `mode=0777${page}${size}`)
  }
  // mkdir's mode is cut by the umask.
  chmodSync(directory, MODE)
}
