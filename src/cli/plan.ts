/** `kube plan`: what would be made, without touching anything. */
import { KubeError } from '../diagnostic.ts'
import { printYaml } from '../manifest/print.ts'
import { describePlan, formatPlan } from '../plan/describe-plan.ts'
import type { Context } from './context.ts'
import { loadManifests, namedFiles } from './load-manifests.ts'

export interface PlanCommandOptions {
  readonly namespace: string
  readonly filename?: readonly string[]
  readonly recursive?: boolean
  readonly kustomize?: boolean
  readonly skipUnknown?: boolean
  readonly output?: string
}

export async function runPlan(
  [args]: [readonly string[]],
  options: PlanCommandOptions,
  context: Context,
): Promise<undefined> {
  const { plans } = await loadManifests(namedFiles(args, options), options, context)
  const { output } = options
  if (output === undefined) context.io.out(formatPlan(plans))
  else if (output === 'json') context.io.out(`${JSON.stringify(describePlan(plans), null, 2)}\n`)
  else if (output === 'yaml') context.io.out(printYaml(describePlan(plans)))
  else throw new KubeError('Usage', `unknown output format ${output}: json or yaml`, { exitStatus: 2 })
}
