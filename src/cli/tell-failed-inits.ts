/** Pods that a play made and whose beginning failed for good: they stay, to be looked at. */
import { observePod } from '../engine/observe.ts'
import type { PodRecord } from '../engine/ports.ts'
import { runsAgain } from '../reconcile/restart.ts'
import type { Io } from './context.ts'
import type { RealHost } from './host.ts'

export function tellFailedInits(host: RealHost, pods: readonly PodRecord[], io: Pick<Io, 'err'>): void {
  for (const record of pods) {
    const { plan } = record
    if (!plan.members.some(({ role }) => role === 'init')) continue
    const { containers } = observePod(host, record)
    for (const member of plan.members) {
      const { state, exitCode } = containers[member.name] ?? {}
      if (member.role !== 'init' || state !== 'exited' || !exitCode || runsAgain(plan, member, exitCode)) continue
      io.err(
        `kube: warning: pod ${plan.name}: init container ${member.name} ended with status ${exitCode}: nothing after it is started\n`,
      )
    }
  }
}
