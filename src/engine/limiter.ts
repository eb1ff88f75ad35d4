/** Bounds how many things run at once. */
export type Limiter = <T>(task: () => Promise<T>) => Promise<T>

/** At most `limit` (1 or more) tasks at a time, the others in the order of their coming. */
export function limiter(limit: number): Limiter {
  let running = 0
  const waiting: (() => void)[] = []
  return async task => {
    if (running >= limit) await new Promise<void>(resolve => waiting.push(resolve))
    else running++
    try {
      return await task()
    } finally {
      const next = waiting.shift()
      // The place is handed on, not given up: nobody can come in between.
      if (next) next()
      else running--
    }
  }
}
