/** Waiting for what has no event to wait for. */
import { setTimeout as delay } from 'node:timers/promises'

/** Milliseconds between two attempts: what is asked is mostly a command, which takes longer than that itself. */
const PAUSE_MS = 20

/**
 * Attempts again until nothing is thrown, and gives what came of it. An attempt asserts how things are to be, so that
 * the error at the end of `limitMs` says how they were instead.
 */
export async function eventually<T>(attempt: () => T | Promise<T>, limitMs = 30_000): Promise<T> {
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
