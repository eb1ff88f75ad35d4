/** A clock that nobody sets. */

/** Milliseconds since a moment of the past. What the web calls `performance` takes a command as many to load. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
