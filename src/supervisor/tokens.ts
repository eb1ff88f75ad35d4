/** Tokens in a pod's volumes are replaced before they end, as the kubelet does it. */
import { volumeFiles } from '../engine/container-facts.ts'
import type { Host, PodRecord } from '../engine/ports.ts'
import { tokenFiles, tokenRenewalMs } from '../plan/tokens.ts'
import type { ObservedPod } from '../reconcile/observed.ts'
import { isOver } from '../reconcile/restart.ts'

/** When the first of the pod's tokens is to be renewed, in milliseconds since 1970; `undefined`: it has none, or is over. */
export function tokenDueMs(host: Host, { uid, plan }: PodRecord, pod: ObservedPod): number | undefined {
  const files = tokenFiles(plan)
  if (files.length === 0 || pod.sandbox !== 'present' || isOver(pod)) return undefined
  const paths = host.volumes.volumePaths(uid, plan)
  return Math.min(
    ...files.map(({ volume, file }) => {
      const path = paths[volume]
      return tokenRenewalMs(path === undefined ? '' : (host.volumes.readVolumeText(uid, path, file.path) ?? ''))
    }),
  )
}

/** The caller holds the app's claim. */
export function renewTokens(host: Host, uid: string): void {
  const record = host.state.pod(uid)
  if (record && !record.removing) host.volumes.updateFiles(uid, record.plan, volumeFiles(host, record, 'leave out'))
}
