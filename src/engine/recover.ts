/** Finishing what a killed command left half done. */
import { causeChain } from '../diagnostic.ts'
import { tryClaimApp } from './claim.ts'
import { beginRemoval } from './down.ts'
import type { Host, PodRecord } from './ports.ts'
import { beginRun, takeDown } from './run-loop.ts'
import { isEnding } from './workload-world.ts'

/** Those of dead commands. What a controller is taking away is the supervisor's business, for as long as its hooks take. */
export function halfDonePods(host: Host): readonly PodRecord[] {
  const objects = host.state.objects({ made: true })
  return host.state.pods().filter(pod => isHalfDone(host, pod) && !isEnding(pod, objects))
}

/** A pod that a killed run was making, or that a killed run was removing. */
function isHalfDone(host: Host, pod: PodRecord): boolean {
  return pod.builder === undefined ? pod.removing : !host.runtime.isAlive(pod.builder)
}

export interface Recovery {
  /** Pods that were seen to. */
  readonly pods: readonly PodRecord[]
  /** What could not be removed, in words. */
  readonly failed: readonly string[]
}

/**
 * Removes the pods of dead runs. Those whose app is claimed by another living process are left to that: a hook must not
 * run twice. `own`: an app that the caller has claimed itself.
 */
export async function recover(host: Host, pods: readonly PodRecord[], own?: string): Promise<Recovery> {
  const run = beginRun({ host })
  const seen: PodRecord[] = []
  const failed: string[] = []
  const apps = new Set(pods.filter(pod => isHalfDone(host, pod)).map(({ app }) => app))
  const recoverApp = async (app: string) => {
    using claim = app === own ? undefined : tryClaimApp(host, app)
    if (app !== own && claim === undefined) return
    // Asked again, now that nobody else changes them.
    const halfDone = pods.flatMap(pod => (pod.app === app ? (host.state.pod(pod.uid) ?? []) : []))
    const removals = halfDone
      .filter(pod => isHalfDone(host, pod))
      .map(pod => {
        seen.push(pod)
        beginRemoval(host, pod.uid)
        return takeDown(run, pod, pod.removing ? undefined : 0).catch((error: unknown) => {
          failed.push(causeChain(error))
        })
      })
    await Promise.all(removals)
  }
  await Promise.all([...apps].map(recoverApp))
  return { pods: seen, failed }
}
