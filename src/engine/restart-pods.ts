/** Running the containers of pods anew, whatever their restart policy says. */
import { claimApp } from './claim.ts'
import type { DownOptions } from './down.ts'
import { observePod } from './observe.ts'
import type { PodRecord } from './ports.ts'
import { beginRun, keepUp } from './run-loop.ts'

/** The pods keep their names, addresses and volumes. Init containers are not run again. */
export async function restartPods(pods: readonly PodRecord[], options: DownOptions): Promise<void> {
  const { host } = options
  using claims = new DisposableStack()
  for (const app of [...new Set(pods.map(pod => pod.app))].sort()) claims.use(await claimApp(host, app, options))
  await host.runtime.prepare()
  const run = beginRun(options)
  await Promise.all(pods.map(restart))
  host.wakeSupervisor(pods)

  async function restart({ uid }: PodRecord): Promise<void> {
    const record = host.state.pod(uid)
    if (!record || record.removing) return
    const graceSeconds = options.graceSeconds ?? record.plan.terminationGracePeriodSeconds
    const members = record.plan.members.filter(({ role }) => role === 'main' || role === 'sidecar')
    run.records.set(record)
    const containers = members.map(({ name }) => name).filter(name => record.containers[name]?.startedAt !== undefined)
    await Promise.all(
      containers.map(async container => {
        const { state } = observePod(host, run.records.get(uid)).containers[container] ?? {}
        if (state === 'running') await run.execute({ kind: 'killContainer', uid, container, graceSeconds })
        await run.execute({ kind: 'retireContainer', uid, container })
      }),
    )
    // Asked for, and no sign of a container that keeps failing: the next restart comes at once.
    for (const name of containers) {
      const known = host.state.container(uid, name)
      if (known?.lifecycle) host.state.setLifecycle(uid, name, known.attempt, { ...known.lifecycle, backoffMs: 0 })
    }
    await keepUp(run, host.state.pod(uid)!, host.backoff)
  }
}
