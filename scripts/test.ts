/**
 * `npm test`: types, lint, then every test, the fast ones first, with one summary and one exit status.
 * `node scripts/test.ts WORD...` runs only the test files whose path holds one of the words.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { run } from 'node:test'
import { spec, type TestEvent } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'

const top = fileURLToPath(new URL('..', import.meta.url))

/** When no test has begun or ended for this long, one hangs. */
const SILENCE_MS = 300_000

const TEST_END = ['--import', new URL('test-end.ts', import.meta.url).href]

interface Group {
  readonly patterns: readonly string[]
  /** Test files at once. */
  readonly concurrency: number
}

const groups: readonly Group[] = [
  {
    patterns: ['src/**/*.test.ts', 'test/architecture/**/*.test.ts', 'test/manifest/**/*.test.ts'],
    concurrency: availableParallelism(),
  },
  { patterns: ['test/host/**/*.test.ts'], concurrency: availableParallelism() },
  // Whole runs of the command, some of which are timed.
  { patterns: ['test/e2e/**/*.test.ts'], concurrency: 1 },
]

/** Runs a program of node_modules; its exit status is 0. */
async function passes(program: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(join(top, 'node_modules', '.bin', program), args, {
    cwd: top,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [status] = await once(child, 'exit')
  return status === 0
}

/** What node tells at the end of each run: `tests 12`, `duration_ms 345.6`. */
const TOTAL = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([\d.]+)$/

let passed = true

/** The events of all groups as if they were one run's. */
async function* events(words: readonly string[]): AsyncGenerator<TestEvent> {
  const totals = new Map<string, number>()
  const hang = new AbortController()
  const silence = setTimeout(() => hang.abort(), SILENCE_MS)
  let summary: TestEvent | undefined
  for (const { patterns, concurrency } of groups) {
    const files = globSync([...patterns], { cwd: top })
      .filter(file => words.length === 0 || words.some(word => file.includes(word)))
      .sort()
      .map(file => join(top, file))
    if (files.length === 0) continue
    for await (const event of run({ files, concurrency, cwd: top, signal: hang.signal, execArgv: TEST_END })) {
      silence.refresh()
      if (event.type === 'test:summary' && event.data.file === undefined) {
        // The reporter lists what failed when this comes, so it comes once.
        summary = event
        if (!event.data.success) passed = false
        continue
      }
      const how = howItEnded(event)
      if (how !== undefined) yield told(how)
      const total = event.type === 'test:diagnostic' && event.data.nesting === 0 ? TOTAL.exec(event.data.message) : null
      if (total) totals.set(total[1]!, (totals.get(total[1]!) ?? 0) + Number(total[2]))
      else yield event
    }
  }
  clearTimeout(silence)
  if (hang.signal.aborted || totals.get('tests') === undefined) passed = false
  for (const [name, count] of totals) {
    yield told(`${name} ${count}`)
  }
  if (summary !== undefined) yield summary
  if (hang.signal.aborted) console.error(`No test began or ended for ${SILENCE_MS / 60_000} minutes: stopped.`)
}

/** A file that failed as a whole says no more by itself than that it did. */
function howItEnded({ type, data }: TestEvent): string | undefined {
  if (type !== 'test:fail') return undefined
  const { exitCode, signal } = data.details.error as {
    readonly exitCode?: number | null
    readonly signal?: string | null
  }
  if (exitCode === undefined && signal === undefined) return undefined
  return `${data.name}: its process ended with ${signal ?? `status ${exitCode}`}`
}

function told(message: string): TestEvent {
  return { type: 'test:diagnostic', data: { nesting: 0, message, level: 'info' } } as TestEvent
}

const words = process.argv.slice(2)
const checks = words.length > 0 ? [] : [passes('tsc', []), passes('biome', ['check', '--error-on-warnings', '.'])]
const checked = await Promise.all(checks)
await pipeline(Readable.from(events(words)), new spec(), process.stdout, { end: false })
if (checked.includes(false)) {
  passed = false
  console.error('The type check or the linter failed: see the beginning of this output.')
}
process.exitCode = passed ? 0 : 1
