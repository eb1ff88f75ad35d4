/** `kube play --wait=ready|complete`: until the app is so; what keeps it from that is told. */
import { KubeError } from '../diagnostic.ts'
import { timeoutSignal } from '../engine/timer.ts'
import { type AppProgress, appProgress } from './app-progress.ts'
import { viewApp } from './app-view.ts'
import type { Context } from './context.ts'
import { reportTroubles } from './troubles.ts'
import { watchChanges } from './watch-changes.ts'

export interface AppWait {
  readonly app: string
  readonly goal: 'ready' | 'complete'
  /** Milliseconds; `undefined`: as long as it takes. */
  readonly timeoutMs: number | undefined
  readonly context: Context
}

/** 0 when it became so; 1, and why, when it failed or took too long. */
export async function waitForApp({ app, goal, timeoutMs, context }: AppWait): Promise<number> {
  const host = await context.host()
  using changes = watchChanges(host.layout)
  const timeout = timeoutMs === undefined ? [] : [timeoutSignal(timeoutMs)]
  const signal = AbortSignal.any([context.signal, ...timeout])
  for (;;) {
    const progress = appProgress(viewApp(host, app))
    const left = leftOf(progress, goal)
    if (progress.failed.length > 0) {
      context.io.err(`kube: ${progress.failed.join(', ')} failed\n`)
      await reportTroubles(host, app, context.io)
      return 1
    }
    if (left.length === 0) return 0
    if (await changes.next(signal)) continue
    if (context.signal.aborted) throw new KubeError('Interrupted', 'interrupted')
    context.io.err(`kube: timed out: ${left.join(', ')} ${left.length === 1 ? 'is' : 'are'} not ${goal}\n`)
    await reportTroubles(host, app, context.io)
    return 1
  }
}

function leftOf({ unready, incomplete }: AppProgress, goal: AppWait['goal']): readonly string[] {
  return goal === 'ready' ? unready : incomplete
}
