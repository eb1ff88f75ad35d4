/** Staying with an app: its logs and status until it is over or the user has enough; then it is taken away. */
import { down } from '../engine/down.ts'
import { timeoutSignal } from '../engine/timer.ts'
import type { PodObject } from '../status/pod-object.ts'
import { appProgress } from './app-progress.ts'
import { viewApp } from './app-view.ts'
import type { Context } from './context.ts'
import { followLogs } from './follow-logs.ts'
import type { RealHost } from './host.ts'
import { openScreen } from './screen.ts'
import { statusLines } from './status-lines.ts'
import { reportTroubles } from './troubles.ts'
import { watchChanges } from './watch-changes.ts'

export interface Stay {
  readonly app: string
  /** Also what the containers write. */
  readonly withLogs: boolean
  /** Milliseconds; `undefined`: as long as it takes. */
  readonly timeoutMs: number | undefined
  readonly context: Context
}

/** Status of a command that was ended by Ctrl-C. */
const INTERRUPTED = 130

/**
 * The workload's own status: that of its first container that failed. The first signal takes the app away gracefully,
 * with all that its containers still write, the second at once. Volumes stay.
 */
export async function stayWith({ app, withLogs, timeoutMs, context }: Stay): Promise<number> {
  const host = await context.host()
  const enough = new AbortController()
  let presses = 0
  context.passSignals(() => {
    presses++
    enough.abort()
    if (presses > 1) killAll(host, app)
  })
  const screen = openScreen(context.io)
  const timeout = timeoutMs === undefined ? undefined : timeoutSignal(timeoutMs)
  const signal = AbortSignal.any([enough.signal, context.signal, ...(timeout ? [timeout] : [])])
  using changes = watchChanges(host.layout)
  const logs = withLogs ? followLogs({ host, app, screen, colour: context.io.colour }) : undefined
  let status = 0
  for (;;) {
    const view = viewApp(host, app)
    logs?.look()
    screen.footer(statusLines(view.pods, context.io))
    if (appProgress(view).isOver) {
      status = statusOf(view.pods)
      break
    }
    if (!(await changes.next(signal))) break
  }
  if (!signal.aborted) await logs?.drain()
  screen.footer([])
  const isLate = timeout?.aborted === true && presses === 0
  if (isLate) context.io.err(`kube: timed out: ${app} is not over\n`)
  if (status !== 0 || isLate) await reportTroubles(host, app, context.io)
  if (presses > 0 && context.io.errIsTerminal) context.io.err('stopping; once more kills\n')
  logs?.look()
  await down(app, { host })
  await logs?.drain()
  if (presses > 0 || context.signal.aborted) return INTERRUPTED
  return isLate ? 1 : status
}

/** Ends every container at once; the removal that is under way goes on with that. */
function killAll(host: RealHost, app: string): void {
  for (const pod of host.state.pods({ app })) {
    for (const { id, process } of Object.values(pod.containers)) {
      if (process === undefined) continue
      host.runtime.stop(id, process, { signal: 'SIGKILL', graceSeconds: 0 }).catch(() => {})
    }
  }
}

/** 0 when everything succeeded. */
function statusOf(pods: readonly PodObject[]): number {
  const codes = pods
    .filter(({ status }) => status.phase === 'Failed')
    .flatMap(({ status }) => [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])])
    .map(({ state }) => state?.terminated?.exitCode ?? 0)
  const failed = codes.find(code => code !== 0)
  return failed ?? (pods.some(({ status }) => status.phase === 'Failed') ? 1 : 0)
}
