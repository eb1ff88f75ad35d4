/** When a CronJob's schedule is due. Source: github.com/robfig/cron/v3, parser.go and spec.go. */

/** Bits of a field, and whether it was a mere `*`. */
interface Field {
  readonly values: ReadonlySet<number>
  readonly isStar: boolean
}

export type Schedule =
  | {
      readonly kind: 'fields'
      readonly minute: Field
      readonly hour: Field
      readonly day: Field
      readonly month: Field
      readonly weekday: Field
    }
  | { readonly kind: 'every'; readonly delayMs: number }

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/** Reads a schedule that was checked with its manifest; `undefined` for what is none. */
export function parseSchedule(text: string): Schedule | undefined {
  const every = /^@every (.*)$/.exec(text)?.[1]
  if (every !== undefined) {
    const delayMs = durationMs(every)
    // Rounded to whole seconds, and at least one.
    return delayMs === undefined ? undefined : { kind: 'every', delayMs: Math.max(1000, delayMs - (delayMs % 1000)) }
  }
  const parts = (DESCRIPTORS[text] ?? text).trim().split(/\s+/)
  const [minute, hour, day, month, weekday] = parts
  if (parts.length !== 5) return undefined
  return {
    kind: 'fields',
    minute: parseField(minute!, 0, 59, []),
    hour: parseField(hour!, 0, 23, []),
    day: parseField(day!, 1, 31, []),
    month: parseField(month!, 1, 12, MONTHS),
    weekday: parseField(weekday!, 0, 6, WEEKDAYS),
  }
}

function parseField(text: string, low: number, high: number, names: readonly string[]): Field {
  const values = new Set<number>()
  let isStar = false
  const number = (part: string) => {
    const named = names.indexOf(part.toLowerCase())
    return named < 0 ? Number(part) : named + low
  }
  for (const part of text.split(',')) {
    const [range = '', stepText] = part.split('/')
    const step = stepText === undefined ? 1 : Number(stepText)
    const isAny = range === '*' || range === '?'
    const [from = '', to] = range.split('-')
    const first = isAny ? low : number(from)
    const last = isAny ? high : to === undefined ? (stepText === undefined ? first : high) : number(to)
    if (isAny && step === 1) isStar = true
    for (let value = first; value <= last; value += step) values.add(value)
  }
  return { values, isStar }
}

const UNITS_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1000, m: MINUTE_MS, h: HOUR_MS }

/** A Go duration. */
function durationMs(text: string): number | undefined {
  const parts = [...text.matchAll(/([0-9.]+)(ns|us|ms|s|m|h)/g)]
  if (parts.length === 0) return undefined
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * UNITS_MS[unit!]!, 0)
}

/** A date like 30 February never comes: that many years are looked through. */
const YEARS_AHEAD = 5

/**
 * The first time after `afterMs`, in milliseconds since 1970; `undefined` when there is none within five years. Without
 * a time zone it is the machine's.
 */
export function nextTime(schedule: Schedule, afterMs: number, timeZone?: string): number | undefined {
  if (schedule.kind === 'every') return afterMs - (afterMs % 1000) + schedule.delayMs
  const clock = wallClock(timeZone)
  const limitMs = afterMs + YEARS_AHEAD * 366 * 24 * HOUR_MS
  let at = afterMs - (afterMs % MINUTE_MS) + MINUTE_MS
  while (at <= limitMs) {
    const wall = new Date(clock.wallMs(at))
    const [year, month, day] = [wall.getUTCFullYear(), wall.getUTCMonth(), wall.getUTCDate()]
    if (!schedule.month.values.has(month + 1)) at = clock.later(at, Date.UTC(year, month + 1, 1))
    else if (!isDay(schedule, day, wall.getUTCDay())) at = clock.later(at, Date.UTC(year, month, day + 1))
    else if (!schedule.hour.values.has(wall.getUTCHours())) at += HOUR_MS - wall.getUTCMinutes() * MINUTE_MS
    else if (!schedule.minute.values.has(wall.getUTCMinutes())) at += MINUTE_MS
    else return at
  }
  return undefined
}

/** Day of the month and day of the week: both, unless both say something; then one of them is enough. */
function isDay({ day, weekday }: Schedule & { readonly kind: 'fields' }, date: number, dayOfWeek: number): boolean {
  const [byDate, byWeekday] = [day.values.has(date), weekday.values.has(dayOfWeek)]
  return day.isStar || weekday.isStar ? byDate && byWeekday : byDate || byWeekday
}

interface WallClock {
  /** What a clock on the wall shows, as if it were UTC. */
  wallMs(ms: number): number
  /** The moment after `ms` at which the wall clock shows `wallMs`. */
  later(ms: number, wallMs: number): number
}

function wallClock(timeZone: string | undefined): WallClock {
  const format = new Intl.DateTimeFormat('en-US', {
    ...(timeZone === undefined ? {} : { timeZone }),
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const wallMs = (ms: number) => {
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]))
    const of = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0
    return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'))
  }
  return {
    wallMs,
    later(ms, wanted) {
      const guess = ms + (wanted - wallMs(ms))
      // The clock may have been put forward or back in between.
      const corrected = guess + (wanted - wallMs(guess))
      return Math.max(corrected, ms + MINUTE_MS)
    },
  }
}

/** More than this many missed times are worth a warning. Source: pkg/controller/cronjob/utils.go. */
const MANY = 100

const DAY_MS = 24 * HOUR_MS
/** How far back the latest time is looked for: a machine that slept for a year must not be made to count its minutes. */
const WINDOWS_MS = [HOUR_MS, DAY_MS, 32 * DAY_MS, 367 * DAY_MS]

/** The latest time in (`afterMs`, `untilMs`], and whether too many came before it. */
export function lastDue(
  schedule: Schedule,
  { afterMs, untilMs, timeZone }: { readonly afterMs: number; readonly untilMs: number; readonly timeZone?: string },
): { readonly atMs?: number; readonly isTooMany: boolean } {
  const step = (from: number) => nextTime(schedule, from, timeZone)
  const first = step(afterMs)
  if (first === undefined || first > untilMs) return { isTooMany: false }
  let count = 0
  for (let at: number | undefined = first; at !== undefined && at <= untilMs && count <= MANY; at = step(at)) count++
  const isTooMany = count > MANY
  if (schedule.kind === 'every')
    return { atMs: first + Math.floor((untilMs - first) / schedule.delayMs) * schedule.delayMs, isTooMany }
  for (const window of [...WINDOWS_MS, untilMs - afterMs]) {
    let at = step(Math.max(afterMs, untilMs - window))
    if (at === undefined || at > untilMs) continue
    for (let next = step(at); next !== undefined && next <= untilMs; next = step(next)) at = next
    return { atMs: at, isTooMany }
  }
  return { atMs: first, isTooMany }
}
