/** Pods that a play made and whose init containers are not done: they stay, whatever becomes of them. */
import { KubeError } from '../diagnostic.ts'
import { observePod } from '../engine/observe.ts'
import type { PodRecord } from '../engine/ports.ts'
import { runsAgain } from '../reconcile/restart.ts'
import type { Io } from './context.ts'
import type { RealHost } from './host.ts'
import { visible } from './render.ts'

interface FailedInit {
  readonly record: PodRecord
  readonly container: string
  readonly exitCode: number
}

/**
 * Warns of those that run longer, and of those that failed in a pod of a controller, which makes another. Returns what
 * failed for good in a pod that nobody replaces.
 */
export async function tellInits(
  host: RealHost,
  pods: readonly PodRecord[],
  io: Pick<Io, 'err'>,
): Promise<KubeError | undefined> {
  const failed: FailedInit[] = []
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
      else if (state === 'exited' && exitCode && !runsAgain(plan, member, exitCode)) {
        if (plan.owner === undefined) failed.push({ record, container: member.name, exitCode })
        else io.err(`${title} ended with status ${exitCode}: nothing after it is started\n`)
      }
    }
  }
  return failed.length === 0 ? undefined : failureOf(host, failed)
}

async function failureOf(host: RealHost, failed: readonly FailedInit[]): Promise<KubeError> {
  const { lastLines } = await import('./troubles.ts')
  const notes: string[] = []
  for (const one of failed) {
    if (failed.length > 1) notes.push(textOf(one))
    const lines = await lastLines(host, one.record, one.container)
    notes.push(...lines.map(line => `| ${visible(line)}`))
  }
  const [{ record, container }] = failed as readonly [FailedInit]
  const { name, namespace } = record.plan
  const where = namespace === 'default' ? '' : ` -n ${namespace}`
  const message =
    failed.length > 1
      ? `${failed.length} init containers failed, and nothing after them is started`
      : textOf(failed[0]!)
  return new KubeError('InitContainerFailed', message, {
    notes,
    hint: `\`kube logs ${name} -c ${container}${where}\` shows all that it wrote; the pod stays until it is taken down`,
  })
}

function textOf({ record, container, exitCode }: FailedInit): string {
  return `pod ${record.plan.name}: init container ${container} ended with status ${exitCode}: nothing after it is started`
}
