/** Taking an app away. */
import { causeChain, KubeError } from '../diagnostic.ts'
import { podKey } from '../reconcile/decide.ts'
import { isWorkload } from '../workloads/decide.ts'
import { claimApp } from './claim.ts'
import { doomClaimsOf, removeDoomedClaims } from './doomed-claims.ts'
import type { Host, PodRecord } from './ports.ts'
import { beginRun, type RunOptions, takeDown } from './run-loop.ts'
import { updateFiles } from './update-files.ts'

export interface DownOptions extends RunOptions {
  /** Seconds; default each pod's own. 0 kills at once. */
  readonly graceSeconds?: number
  readonly onWait?: (pid: number) => void
}

export interface DownResult {
  readonly removed: readonly PodRecord[]
}

/** Removes everything the app made, all its pods at once. An app that is not there is an empty success. */
export async function down(app: string, options: DownOptions): Promise<DownResult> {
  const { host } = options
  host.state.makeRoom()
  using _claim = await claimApp(host, app, options)
  const pods = host.state.pods({ app })
  const objects = host.state.objects({ app })
  // First that nobody makes them anew: if this is killed, what is left are pods to be removed and an app by that name.
  for (const pod of pods) beginRemoval(host, pod.uid)
  doomClaimsOf(host, objects)
  host.state.putObjects(app, [])
  await removePods(pods, options)
  updateFiles(host, objects, [], new Set())
  host.state.removeApp(app)
  return { removed: pods }
}

/** Removes pods, all at once, then what only they needed. Goes on past failures, and reports them all. */
export async function removePods(pods: readonly PodRecord[], options: DownOptions): Promise<void> {
  const { host } = options
  host.state.makeRoom()
  const run = beginRun(options)
  for (const pod of pods) beginRemoval(host, pod.uid)
  const failures: string[] = []
  await Promise.all(
    pods.map(pod =>
      takeDown(run, pod, options.graceSeconds).catch((error: unknown) => {
        failures.push(`${podKey(pod.plan)}: ${causeChain(error)}`)
      }),
    ),
  )
  if (options.signal?.aborted)
    throw new KubeError('Interrupted', 'interrupted', { hint: 'the same command finishes what is left' })
  await sweep(host)
  if (failures.length > 0) {
    throw new KubeError('RemoveFailed', `could not remove ${failures.length} of ${pods.length} pods`, {
      notes: failures,
      hint: 'the same command tries again',
    })
  }
}

/** Marks a pod for removal, so that whoever comes next finishes it, and nobody starts its containers again. */
export function beginRemoval(host: Host, uid: string): void {
  host.state.markRemoving(uid)
  host.runtime.hush(uid)
}

/**
 * Takes away what no pod needs any more: published ports, the volumes of doomed claims, and with the last pod the bridge
 * and the firewall table. Goes on past failures, and throws the first at the end.
 */
export async function sweep(host: Host): Promise<void> {
  using _lock = await host.lock()
  const pods = host.state.pods()
  const isNetworkUsed = pods.some(pod => pod.plan.network.mode === 'bridge')
  const results = await Promise.allSettled([
    isNetworkUsed ? host.network.publish() : host.network.remove(),
    removeDoomedClaims(host),
  ])
  if (pods.length === 0) await releaseAll(host)
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

async function releaseAll(host: Host): Promise<void> {
  // A CronJob waits for its time without any pod.
  if (!host.state.objects({ made: true }).some(({ kind }) => isWorkload(kind))) await host.dismissSupervisor()
  await host.runtime.release()
  host.volumes.release()
}
