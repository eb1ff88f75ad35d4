/** The end of a handler that takes too long, or that nobody waits for any more. */
import { startTimer } from '../../engine/timer.ts'

export interface TimeLimit {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** What a handler says that was cut short. */
export const CUT_SHORT = 'context canceled'

/** Calls `over` when the time is up, or at the signal with `CUT_SHORT`; neither once it is disposed of. */
export function limitTime({ timeoutMs, signal }: TimeLimit, over: (why: string | undefined) => void): Disposable {
  const timer = startTimer(() => over(undefined), timeoutMs)
  const abort = () => over(CUT_SHORT)
  signal?.addEventListener('abort', abort)
  // Not now: the caller has yet to get what disposes of it.
  if (signal?.aborted) setImmediate(abort)
  return {
    [Symbol.dispose]() {
      timer[Symbol.dispose]()
      signal?.removeEventListener('abort', abort)
    },
  }
}
