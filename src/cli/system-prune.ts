/** `kube system prune`: what killed commands left behind. */
import { KubeError } from '../diagnostic.ts'
import { sweep } from '../engine/down.ts'
import { halfDonePods, recover } from '../engine/recover.ts'
import { findLeftovers, type Leftovers, removeLeftovers } from '../host/leftovers.ts'
import type { Context } from './context.ts'
import { bytes } from './image-words.ts'

export interface PruneOptions {
  readonly output?: string
  readonly dryRun?: boolean
}

const WORDS: Readonly<Record<keyof Leftovers, string>> = {
  directories: 'directory of pod',
  containers: 'container',
  bundles: 'bundle',
  exitFiles: 'exit file',
  links: 'network link',
  cgroups: 'cgroup',
}

export async function runSystemPrune(_args: [], options: PruneOptions, context: Context): Promise<number> {
  const { io } = context
  const host = await context.host()
  const halfDone = halfDonePods(host)
  const { pods: found, failed } = options.dryRun ? { pods: halfDone, failed: [] } : await recover(host, halfDone)
  const pods = found.map(({ plan }) => `${plan.namespace}/${plan.name}`)
  const leftovers = findLeftovers(host)
  let freedBytes = 0
  if (!options.dryRun) {
    await removeLeftovers(host, leftovers)
    await sweep(host)
    freedBytes = (await host.store.prune()).freedBytes
  }
  if (options.output === 'json') io.out(`${JSON.stringify({ pods, ...leftovers, freedBytes }, null, 2)}\n`)
  else {
    const verb = options.dryRun ? 'would remove' : 'removed'
    for (const pod of pods) io.out(`${verb} half-done pod ${pod}\n`)
    for (const [kind, names] of Object.entries(leftovers))
      for (const name of names) io.out(`${verb} ${WORDS[kind as keyof Leftovers]} ${name}\n`)
    if (!options.dryRun) io.out(`freed ${bytes(freedBytes)} of image layers and blobs\n`)
  }
  if (failed.length > 0) {
    throw new KubeError('RemoveFailed', `could not remove ${failed.length} of ${pods.length} half-done pods`, {
      notes: failed,
    })
  }
  return 0
}
