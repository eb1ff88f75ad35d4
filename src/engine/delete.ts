/** Deleting single objects: less than an app. */
import { podKey } from '../reconcile/decide.ts'
import { claimApp } from './claim.ts'
import { type DownOptions, removePods } from './down.ts'
import type { Host, ObjectRecord, PodRecord } from './ports.ts'

export interface DeleteRequest {
  readonly objects: readonly ObjectRecord[]
  /** What the objects made, and pods that are named themselves. */
  readonly pods: readonly PodRecord[]
}

/** Removes the pods, then forgets the objects; an app of which nothing is left is forgotten with them. */
export async function deleteObjects(request: DeleteRequest, options: DownOptions): Promise<void> {
  const { host } = options
  const apps = [...new Set([...request.objects, ...request.pods].map(({ app }) => app))].sort()
  using claims = new DisposableStack()
  // Always in the same order, so that two commands never wait for each other.
  for (const app of apps) claims.use(await claimApp(host, app, options))
  // Asked again, now that nobody else changes them.
  const pods = request.pods.flatMap(pod => host.state.pod(pod.uid) ?? [])
  await removePods(pods, options)
  const gone = new Set(request.objects.map(identity))
  for (const app of apps) forget(host, app, gone)
}

function forget(host: Host, app: string, gone: ReadonlySet<string>): void {
  const left = host.state.objects({ app }).filter(object => !gone.has(identity(object)))
  if (left.length === 0 && host.state.pods({ app }).length === 0) host.state.removeApp(app)
  else host.state.putObjects(app, left)
}

function identity(object: ObjectRecord): string {
  return `${object.kind}/${podKey(object)}`
}
