/** Ending one container, as its grace period allows. */
import { setTimeout as delay } from 'node:timers/promises'
import type { MemberPlan } from '../plan/types.ts'
import { recordEvent } from './events.ts'
import { runPreStop, stopSignal } from './hooks.ts'
import { monotonicMs } from './monotonic.ts'
import type { Host, PodRecord, ProcessIdentity } from './ports.ts'

export interface StopOptions {
  /** 0 kills at once. */
  readonly graceSeconds: number
  /** Of its event. Default in the kubelet's words. */
  readonly message?: string
}

/** How often the turn is asked for that somebody else has, in milliseconds. */
const ASK_MS = 50

/**
 * The preStop hook, the stop signal, SIGKILL at the end of the grace period. One at a time does that to a container, so
 * that its hook runs once: who comes while another is at it waits for the end, and kills when its own grace period is over.
 */
export async function stopContainer(
  host: Host,
  record: PodRecord,
  member: MemberPlan,
  { graceSeconds, message }: StopOptions,
): Promise<void> {
  const { id, process: identity } = record.containers[member.name] ?? {}
  if (id === undefined || identity === undefined) return
  const begun = monotonicMs()
  const turn = await takeTurn(host, id, identity, graceSeconds)
  if (turn === 'ended') return
  using _turn = turn
  let left = Math.max(0, graceSeconds - (monotonicMs() - begun) / 1000)
  if (turn) {
    recordEvent(host, record, member.name, 'Normal', 'Killing', message ?? `Stopping container ${member.name}`)
    if (left > 0) left = await runPreStop(host, record, member, id, left)
  }
  await host.runtime.stop(id, identity, { signal: stopSignal(host, member), graceSeconds: turn ? left : 0 })
}

/** `undefined`: another one is still at it when the time is over. */
async function takeTurn(
  host: Host,
  id: string,
  identity: ProcessIdentity,
  graceSeconds: number,
): Promise<Disposable | 'ended' | undefined> {
  const first = host.runtime.stopTurn(id)
  if (first) return first
  const untilMs = monotonicMs() + graceSeconds * 1000
  const abort = new AbortController()
  let turn: Disposable | undefined
  let isOver = false
  const ended = host.runtime.ended(id, identity, abort.signal).then(() => {
    isOver = true
  })
  while (!turn && !isOver && monotonicMs() < untilMs) {
    await Promise.race([ended, delay(ASK_MS)])
    if (!isOver) turn = host.runtime.stopTurn(id)
  }
  if (isOver) return 'ended'
  abort.abort()
  return turn
}
