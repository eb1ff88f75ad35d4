/** The postStart hooks of one pod's containers. They run without the app's claim, because they can take any time. */
import { runPostStart } from '../engine/hooks.ts'
import type { Host, PodRecord } from '../engine/ports.ts'
import type { MemberPlan } from '../plan/types.ts'
import type { ObservedPod } from '../reconcile/observed.ts'
import { lifeAtStart, probesOf } from '../reconcile/probe.ts'

export interface StartHooksOptions {
  readonly host: Host
  /** Called when a hook is over. */
  readonly onEnd: () => void
}

/** Disposing of it cuts short what runs. */
export interface StartHooks extends Disposable {
  /** Runs what is noted as running, and cuts short what runs in a container that has ended. */
  look(record: PodRecord, pod: ObservedPod): void
  readonly running: Iterable<string>
}

export function startHooks({ host, onEnd }: StartHooksOptions): StartHooks {
  const running = new Map<string, { readonly attempt: number; readonly abort: AbortController }>()

  async function run(record: PodRecord, member: MemberPlan, signal: AbortSignal): Promise<void> {
    const { uid } = record
    const { id, attempt } = record.containers[member.name]!
    await runPostStart(host, record, member, { containerId: id, signal })
    const now = host.state.container(uid, member.name)
    if (signal.aborted || now?.attempt !== attempt || !now.lifecycle) return
    host.state.setLifecycle(uid, member.name, attempt, lifeAtStart(now.lifecycle, probesOf(member.container)))
  }

  function begin(record: PodRecord, member: MemberPlan): void {
    const { attempt } = record.containers[member.name]!
    const abort = new AbortController()
    running.set(member.name, { attempt, abort })
    run(record, member, abort.signal)
      // What it was for is gone; what follows is decided by what is observed.
      .catch(() => {})
      .finally(() => {
        if (running.get(member.name)?.abort === abort) running.delete(member.name)
        if (!abort.signal.aborted) onEnd()
      })
  }

  function cut(name: string): void {
    const hook = running.get(name)
    running.delete(name)
    hook?.abort.abort()
  }

  return {
    get running() {
      return running.keys()
    },
    look(record, pod) {
      for (const member of record.plan.members) {
        const { name } = member
        const known = record.containers[name]
        const isDue = known?.lifecycle?.hook === 'running' && pod.containers[name]?.state === 'running'
        const current = running.get(name)
        if (current && (!isDue || current.attempt !== known.attempt)) cut(name)
        if (isDue && !running.has(name)) begin(record, member)
      }
    },
    [Symbol.dispose]() {
      for (const name of [...running.keys()]) cut(name)
    },
  }
}
