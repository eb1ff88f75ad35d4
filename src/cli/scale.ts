/** `kube scale`: another number of replicas. Source: kubectl pkg/cmd/scale. */
import { KubeError } from '../diagnostic.ts'
import { changeObject } from '../engine/change-object.ts'
import type { ObjectRecord } from '../engine/ports.ts'
import { withDefaults } from '../manifest/defaults.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import { podCountFinding } from '../plan/pod-count.ts'
import { SCALED_KINDS } from '../workloads/replay.ts'
import type { Context } from './context.ts'
import { findTargets, type TargetOptions } from './workload-target.ts'

export interface ScaleOptions extends TargetOptions {
  readonly replicas?: number
  readonly currentReplicas?: number
  readonly output?: string
}

export async function runScale(
  [resources]: [readonly string[]],
  options: ScaleOptions,
  context: Context,
): Promise<undefined> {
  const { io } = context
  const { replicas, currentReplicas } = options
  if (replicas === undefined)
    throw new KubeError('Usage', 'the number of replicas is missing', { exitStatus: 2, hint: 'give --replicas=COUNT' })
  const targets = await findTargets(resources, options, context, { kinds: SCALED_KINDS, verb: 'scale' })
  const host = await context.host()
  for (const { record, title } of targets) {
    const change = (current: ObjectRecord) => {
      const before = replicasOf(current.value)
      if (currentReplicas !== undefined && before !== currentReplicas)
        throw new KubeError('Conflict', `Expected replicas to be ${currentReplicas}, was ${before}`)
      const spec = { ...(current.value as { readonly spec?: object }).spec, replicas }
      const value = { ...current.value, spec }
      const tooMany = podCountFinding({ kind: record.kind, value })
      if (tooMany) throw new KubeError(tooMany.code, `${title}: ${tooMany.message}`, { exitStatus: 2 })
      return value
    }
    await changeObject(record, change, {
      host,
      signal: context.signal,
      onWait: pid => io.err(`waiting for another kube (pid ${pid}) to finish with app ${record.app}\n`),
    })
    io.out(options.output === 'name' ? `${title}\n` : `${title} scaled\n`)
  }
  return undefined
}

function replicasOf(value: object): number {
  const { spec } = withDefaults(value as KubernetesObject) as { readonly spec?: { readonly replicas?: number } }
  return spec?.replicas ?? 1
}
