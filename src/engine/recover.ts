/** Finishing what a killed command left half done. */
import { causeChain } from '../diagnostic.ts'
import { beginRemoval } from './down.ts'
import type { Host, PodRecord } from './ports.ts'
import { beginRun, takeDown } from './run-loop.ts'

/** A pod that a killed run was making, or that a killed run was removing. */
export function isHalfDone(host: Host, pod: PodRecord): boolean {
  return pod.builder === undefined ? pod.removing : !host.runtime.isAlive(pod.builder)
}

/**
 * Removes the pods of dead runs. A pod marked for removal whose app is claimed by a living process is left to that.
 * Returns what could not be removed, in words.
 */
export async function recover(host: Host, pods: readonly PodRecord[]): Promise<readonly string[]> {
  const run = beginRun({ host })
  const failed: string[] = []
  const halfDone = pods.filter(pod => isHalfDone(host, pod))
  for (const pod of halfDone) beginRemoval(host, pod.uid)
  await Promise.all(
    halfDone.map(pod =>
      takeDown(run, pod, pod.removing ? undefined : 0).catch((error: unknown) => {
        failed.push(causeChain(error))
      }),
    ),
  )
  return failed
}
