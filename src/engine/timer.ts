/** Timers for any time that a manifest may name. */

/** Milliseconds. A timer of Node.js that is to take longer ends at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Calls `run` once when the time is over, unless it is disposed of before. */
export function startTimer(run: () => void, ms: number): Disposable {
  let left = ms
  let timer: NodeJS.Timeout
  const next = () => {
    const part = Math.min(Math.max(0, left), LONGEST_TIMER_MS)
    left -= part
    timer = setTimeout(left > 0 ? next : run, part)
  }
  next()
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}

/** A signal at the end of the time, or after 24 days. */
export function timeoutSignal(ms: number): AbortSignal {
  return AbortSignal.timeout(Math.min(ms, LONGEST_TIMER_MS))
}
