/** Spans of time as Go writes them: `90s`, `1h30m`, `1.5h`, `250ms`. Source: Go time.ParseDuration. */
import { KubeError } from '../diagnostic.ts'

const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Milliseconds; a bare number is seconds. Fails with exit status 2. */
export function parseDuration(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  if (!/^(?:\d+(?:\.\d*)?(?:ns|us|ms|s|m|h))+$/.test(text)) {
    throw new KubeError('Usage', `not a duration: ${text}`, { exitStatus: 2, hint: 'for example 30s, 5m or 1h30m' })
  }
  let sum = 0
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d*)?)(ns|us|ms|s|m|h)/g))
    sum += Number(number) * UNITS[unit!]!
  return sum
}
