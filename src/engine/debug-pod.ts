/** Adding a container to a pod that runs. Source: the Kubernetes documentation, "Ephemeral Containers". */
import type { V1EphemeralContainer } from '@kubernetes/client-node'
import { KubeError } from '../diagnostic.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import { planEphemeral, withEphemeral } from '../plan/plan-ephemeral.ts'
import type { Action } from '../reconcile/actions.ts'
import { claimApp } from './claim.ts'
import { ensureImages } from './ensure-images.ts'
import { execute } from './executors.ts'
import { observePod } from './observe.ts'
import type { PodRecord } from './ports.ts'
import { beginRun, keepUp, type Run, type RunOptions } from './run-loop.ts'

export interface DebugOptions extends RunOptions {
  readonly onPull?: (image: string) => void
  /** The container is made, and its command does not run yet. */
  readonly onCreated?: (pod: PodRecord) => void
}

/** Returns the pod with the container running. What was made is undone when it fails. */
export async function debugPod(
  uid: string,
  container: V1EphemeralContainer,
  options: DebugOptions,
): Promise<PodRecord> {
  const { host } = options
  using _claim = await claimApp(host, requirePod(options, uid).app, options)
  const record = requirePod(options, uid)
  if (observePod(host, record).infra !== 'running' || record.removing)
    throw new KubeError('PodNotRunning', `pod ${record.plan.name} is not running`)
  const objects = host.state.objects().map(object => object.value as KubernetesObject)
  const { member, findings } = planEphemeral(record.plan, container, objects)
  const wrong = findings.find(finding => finding.severity === 'error')
  if (wrong) throw new KubeError(wrong.code, wrong.message, { exitStatus: 2 })
  const plan = withEphemeral(record.plan, container, member)
  await ensureImages(host, [{ ...plan, members: [member], volumes: [] }], options)
  host.state.setPlan(uid, plan)
  const run = beginRun({
    ...options,
    onAction(action, pod) {
      options.onAction?.(action, pod)
      if (action.kind === 'createContainer' && action.container === member.name) options.onCreated?.(pod)
    },
  })
  try {
    await keepUp(run, { ...record, plan }, host.backoff)
    return requirePod(options, uid)
  } catch (error) {
    await undo(run, member.name)
    host.state.setPlan(uid, record.plan)
    throw error
  }
}

function requirePod({ host }: RunOptions, uid: string): PodRecord {
  const record = host.state.pod(uid)
  if (!record) throw new KubeError('NoSuchPod', 'the pod was removed in the meantime')
  return record
}

/** What this run did for the container, last things first; what cannot be undone goes with the pod. */
async function undo(run: Run, container: string): Promise<void> {
  const actions = run.journal.filter(
    (action): action is Action => 'container' in action && action.container === container,
  )
  for (const action of actions.reverse()) await execute(action, run.host, run.records).catch(() => {})
}
