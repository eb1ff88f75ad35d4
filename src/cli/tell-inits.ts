/** Pods that a play made and whose init containers are not done: they stay, whatever becomes of them. */
import { observePod } from '../engine/observe.ts'
import type { PodRecord } from '../engine/ports.ts'
import { runsAgain } from '../reconcile/restart.ts'
import type { Io } from './context.ts'
import type { RealHost } from './host.ts'

export function tellInits(host: RealHost, pods: readonly PodRecord[], io: Pick<Io, 'err'>): void {
  for (const record of pods) {
    const { plan } = record
    if (!plan.members.some(({ role }) => role === 'init')) continue
    const { containers } = observePod(host, record)
    for (const member of plan.members) {
      const { state, exitCode } = containers[member.name] ?? {}
      if (member.role !== 'init') continue
      const title = `kube: warning: pod ${plan.name}: init container ${member.name}`
      if (state === 'running')
        io.err(`${title} is still running: the rest starts when it is done; --wait=ready waits for that\n`)
      else if (state === 'exited' && exitCode && !runsAgain(plan, member, exitCode))
        io.err(`${title} ended with status ${exitCode}: nothing after it is started\n`)
    }
  }
}
