/** Waiting for what has no event to wait for. */
import { setTimeout as delay } from 'node:timers/promises'

/** Milliseconds between two attempts: what is asked is mostly a command, which takes longer than that itself. */
const PAUSE_MS = 20

const LIMIT_MS = 30_000

/** An attempt that answers true or false would tell nobody what was seen: the compiler refuses it. */
type Limit<T> = [T] extends [boolean] ? [never] : [limitMs?: number]

/**
 * Attempts again until nothing is thrown, and gives what came of it. An attempt asserts how things are to be, so that
 * the error at the end of `limitMs`, by default 30 s, says how they were instead.
 */
export async function eventually<T>(attempt: () => T | Promise<T>, ...limit: Limit<T>): Promise<T> {
  const [limitMs = LIMIT_MS] = limit
  const begun = performance.now()
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt()
    } catch (cause) {
      if (performance.now() - begun > limitMs) {
        const last = cause instanceof Error ? cause.message : String(cause)
        throw new Error(`not so within ${limitMs / 1000} s, in ${attempts} attempts; at last: ${last}`, { cause })
      }
    }
    await delay(PAUSE_MS)
  }
}
