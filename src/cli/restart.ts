/** `kube restart`: pods' containers run anew where they are; workloads get new pods. */
import { KubeError } from '../diagnostic.ts'
import { restartPods } from '../engine/restart-pods.ts'
import { ROLLED_KINDS } from '../workloads/rollout.ts'
import type { Context } from './context.ts'
import { findPodsOrApp } from './find-pod.ts'
import { requireKind } from './resources.ts'
import { type RolloutOptions, runRolloutRestart } from './rollout.ts'
import { downOptionsOf, type StopOptions } from './stop.ts'

export type RestartOptions = RolloutOptions & StopOptions

export async function runRestart(
  [names]: [readonly string[]],
  options: RestartOptions,
  context: Context,
): Promise<undefined> {
  const workloads = names.filter(isWorkload)
  if (workloads.length > 0) await runRolloutRestart([workloads], options, context)
  const host = await context.host()
  for (const name of names.filter(name => !isWorkload(name))) {
    const pods = findPodsOrApp(host, name, options.namespace)
    await restartPods(pods, downOptionsOf(host, options, context))
    for (const { plan } of pods) context.io.out(`pod/${plan.name} restarted\n`)
  }
  return undefined
}

/** `deployment/web`; a pod may be named with or without its kind. */
function isWorkload(name: string): boolean {
  const slash = name.indexOf('/')
  if (slash < 0 || name.startsWith('app/')) return false
  const { kind } = requireKind(name.slice(0, slash))
  if (kind === 'Pod') return false
  if (ROLLED_KINDS.includes(kind)) return true
  throw new KubeError('WrongKind', `${name}: restart is not supported`, {
    hint: 'it is for pods, apps, deployments, statefulsets and daemonsets',
  })
}
