/** Ending containers because the machine ends. */
import type { Host } from './ports.ts'
import { beginRun, halt } from './run-loop.ts'

/** What a pod gets at most, in seconds: its machine's owner waits, and systemd no longer than 90 seconds. */
const LONGEST_GRACE_SECONDS = 60

/**
 * Ends the containers of all pods, each within its grace period. The records don't change: after the boot the pods are what
 * they would be after a power failure. Goes on past failures; what could not be ended ends with the machine.
 */
export async function shutDown(host: Host): Promise<void> {
  await host.dismissSupervisor()
  const pods = host.state.pods()
  for (const { uid } of pods) host.runtime.hush(uid)
  const run = beginRun({ host })
  await Promise.allSettled(
    pods.map(record =>
      halt(
        run,
        { ...record, stopped: true },
        Math.min(record.plan.terminationGracePeriodSeconds, LONGEST_GRACE_SECONDS),
      ),
    ),
  )
}
