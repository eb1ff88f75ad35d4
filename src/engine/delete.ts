/** Deleting single objects: less than an app. */
import { claimApp } from './claim.ts'
import { doomClaimsOf } from './doomed-claims.ts'
import { beginRemoval, type DownOptions, removePods } from './down.ts'
import type { Host, ObjectRecord, PodRecord } from './ports.ts'
import { beginRun } from './run-loop.ts'
import { updateFiles } from './update-files.ts'
import { needsController } from './workload-world.ts'
import { bringUpCreated, isStepDue, stepWorkloads, type WorkloadStep } from './workloads.ts'

export interface DeleteRequest {
  readonly objects: readonly ObjectRecord[]
  /** What the objects made, and pods that are named themselves. */
  readonly pods: readonly PodRecord[]
}

/**
 * Forgets the objects and removes the pods; an app of which nothing is left is forgotten with them. A pod whose
 * workload stays gets its successor at once.
 */
export async function deleteObjects(request: DeleteRequest, options: DownOptions): Promise<void> {
  const { host } = options
  host.state.makeRoom()
  const apps = [...new Set([...request.objects, ...request.pods].map(({ app }) => app))].sort()
  using claims = new DisposableStack()
  // Always in the same order, so that two commands never wait for each other.
  for (const app of apps) claims.use(await claimApp(host, app, options))
  // Asked again, now that nobody else changes them.
  const pods = request.pods.flatMap(pod => host.state.pod(pod.uid) ?? [])
  for (const pod of pods) beginRemoval(host, pod.uid)
  doomClaimsOf(host, request.objects)
  for (const { uid } of request.objects) host.state.removeObject(uid)
  updateFiles(host, request.objects, [], new Set())
  const successors = await Promise.all(apps.map(app => replaceRemoved(host, app)))
  const removed = new Set([...pods.map(({ uid }) => uid), ...successors.flatMap(step => step.removed)])
  const run = beginRun(options)
  const records = (uids: Iterable<string>) => [...uids].flatMap(uid => host.state.pod(uid) ?? [])
  await Promise.all([
    removePods(records(removed), options),
    ...apps.map((app, index) => bringUpCreated(run, app, successors[index]!.created)),
  ])
  for (const app of apps) {
    if (host.state.objects({ app }).length === 0 && host.state.pods({ app }).length === 0) host.state.removeApp(app)
  }
  const isWorkLeft = successors.some(({ created }) => created.length > 0)
  if (isWorkLeft || apps.some(app => needsController(host, app))) host.wakeSupervisor('always')
}

/** What the controllers make of it. What they can't do now is the supervisor's to try again. */
async function replaceRemoved(host: Host, app: string): Promise<Pick<WorkloadStep, 'created' | 'removed'>> {
  if (!isStepDue(host, app)) return { created: [], removed: [] }
  return stepWorkloads(host, app)
}
