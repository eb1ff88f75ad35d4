/** The schedule of a CronJob. Source: github.com/robfig/cron/v3 parser.go, ParseStandard. */
import type { FieldPath } from '../../diagnostic.ts'
import { invalid, required } from '../finding.ts'
import type { Findings } from './check.ts'

interface CronField {
  readonly low: number
  readonly high: number
  readonly names: readonly string[]
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

const fields: readonly CronField[] = [
  { low: 0, high: 59, names: [] },
  { low: 0, high: 23, names: [] },
  { low: 1, high: 31, names: [] },
  { low: 1, high: 12, names: months },
  { low: 0, high: 6, names: days },
]

const descriptors = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'])

/** Checks a schedule of five fields or a descriptor such as `@hourly` or `@every 1h30m`. */
export function* checkSchedule(at: FieldPath, schedule: string | undefined): Findings {
  if (schedule === undefined) return
  if (schedule === '') {
    yield required(at)
    return
  }
  if (schedule.includes('TZ')) {
    yield invalid(at, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead')
    return
  }
  const problem = scheduleProblem(schedule)
  if (problem !== undefined) yield invalid(at, schedule, problem)
}

function scheduleProblem(schedule: string): string | undefined {
  if (schedule.startsWith('@')) {
    if (descriptors.has(schedule)) return undefined
    const every = /^@every (.*)$/.exec(schedule)?.[1]
    if (every === undefined) return `unrecognized descriptor: ${schedule}`
    return isDuration(every) ? undefined : `failed to parse duration ${schedule}: time: invalid duration "${every}"`
  }
  const parts = schedule.split(/\s+/).filter(part => part !== '')
  if (parts.length !== fields.length)
    return `expected exactly ${fields.length} fields, found ${parts.length}: [${parts.join(' ')}]`
  for (const [index, field] of fields.entries())
    for (const range of (parts[index] ?? '').split(',')) {
      const problem = range === '' ? undefined : rangeProblem(range, field)
      if (problem !== undefined) return problem
    }
  return undefined
}

/** A Go duration: `1h30m`, `1.5s`. */
function isDuration(text: string): boolean {
  return /^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|ms|s|m|h)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|ms|s|m|h))*$/.test(text)
}

function rangeProblem(range: string, field: CronField): string | undefined {
  const steps = range.split('/')
  if (steps.length > 2) return `too many slashes: ${range}`
  const bounds = (steps[0] ?? '').split('-')
  let low = field.low
  let high = field.high
  if (bounds[0] !== '*' && bounds[0] !== '?') {
    if (bounds.length > 2) return `too many hyphens: ${range}`
    const first = cronNumber(bounds[0] ?? '', field)
    const last = bounds.length === 2 ? cronNumber(bounds[1] ?? '', field) : first
    if (typeof first === 'string') return first
    if (typeof last === 'string') return last
    low = first
    high = bounds.length === 2 || steps.length === 1 ? last : field.high
  }
  if (steps[1] !== undefined) {
    const step = cronNumber(steps[1], { ...field, names: [] })
    if (typeof step === 'string') return step
    if (step === 0) return `step of range should be a positive number: ${range}`
  }
  if (low < field.low) return `beginning of range (${low}) below minimum (${field.low}): ${range}`
  if (high > field.high) return `end of range (${high}) above maximum (${field.high}): ${range}`
  if (low > high) return `beginning of range (${low}) beyond end of range (${high}): ${range}`
  return undefined
}

/** The number, or what is wrong with it. */
function cronNumber(text: string, field: CronField): number | string {
  const named = field.names.indexOf(text.toLowerCase())
  if (named !== -1) return named + field.low
  if (/^[0-9]+$/.test(text)) return Number(text)
  if (/^-[0-9]+$/.test(text)) return `negative number (${text}) not allowed: ${text}`
  return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`
}
