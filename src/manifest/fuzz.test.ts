/** Mutates real manifests, as text and as trees: never a crash, a hang or an error without a place. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { Diagnostic } from '../diagnostic.ts'
import { composeSlice, splitDocuments } from './document.ts'
import { readPlainYaml } from './plain-yaml.ts'
import { printManifest } from './print.ts'
import { readManifests } from './read.ts'
import type { KubernetesObject } from './types.ts'

/** Milliseconds that each of the tests may take; the number of rounds follows from it. */
const budgetMs = 3000
/** What one small text may take, however it was mutated. */
const hangMs = 2000

const folders = ['../../fixtures/manifest/valid/', '../../../shared/data/manifests/']

function realManifests(): readonly string[] {
  return folders.flatMap(name => {
    const folder = new URL(name, import.meta.url)
    if (!existsSync(folder)) return []
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    return files.filter(file => /\.(ya?ml|json)$/.test(file)).map(file => readFileSync(new URL(file, folder), 'utf8'))
  })
}

const seed = Number(process.env.KUBE_FUZZ_SEED ?? Date.now() % 2 ** 31)

/** Mulberry32: small, and the same for the same seed. */
function randomFrom(start: number): (below: number) => number {
  let state = start
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const random = randomFrom(seed)

function pick<T>(items: readonly T[]): T {
  const item = items[random(items.length)]
  assert.ok(item !== undefined)
  return item
}

const slices = realManifests().flatMap(text => splitDocuments(text).map(slice => slice.text))

const scraps = [
  ' ',
  '  ',
  '\n',
  '- ',
  ': ',
  ':',
  ' #',
  '"',
  "'",
  '|',
  '|-',
  '>',
  '[',
  ']',
  '{',
  '}',
  ',',
  'a',
  '0',
  '~',
]
scraps.push(
  '&x ',
  '*x',
  '!!int ',
  '!',
  '%',
  '\t',
  '\n---\n',
  '\n...\n',
  '? ',
  '\\',
  '<<: ',
  'yes',
  'null',
  '\u00e9',
  '\u2028',
)
scraps.push('@', '`', '1e3', '0x', '\r\n', '\u0000', '\ufeff', '{{ .Values.a }}', '-1', '999999999999', '__proto__: ')

function mutateText(text: string): string {
  let result = text
  for (let round = random(4); round >= 0; round--) {
    const at = random(result.length + 1)
    const how = random(5)
    if (how === 0) result = result.slice(0, at) + pick(scraps) + result.slice(at)
    else if (how === 1) result = result.slice(0, at) + result.slice(at + 1 + random(8))
    else if (how === 2) result = result.slice(0, at) + pick(scraps) + result.slice(at + 1)
    else {
      const lines = result.split('\n')
      const line = random(lines.length)
      const own = lines[line] ?? ''
      if (how === 3) lines[line] = random(2) === 0 ? ` ${own}` : own.replace(/^ /, '')
      else lines.splice(line, random(2), lines[random(lines.length)] ?? '')
      result = lines.join('\n')
    }
  }
  return result
}

const odd: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 40,
  '',
  'a',
  ' ',
  'x'.repeat(300),
  [],
  {},
  [null],
  { a: 1 },
  '\u0000',
  '../..',
]

function mutateTree(value: unknown): unknown {
  if (random(30) === 0) return pick(odd)
  if (Array.isArray(value)) {
    const items = value.map(mutateTree)
    if (random(10) === 0) items.push(items.length > 0 ? pick(items) : pick(odd))
    return random(20) === 0 ? items.slice(1) : items
  }
  if (typeof value !== 'object' || value === null) return random(20) === 0 ? pick(odd) : value
  const entries = Object.entries(value).flatMap(([key, item]) => {
    if (random(25) === 0) return []
    if (random(40) === 0) return [[`${key}x`, item]] as [string, unknown][]
    return [[key, mutateTree(item)]] as [string, unknown][]
  })
  return Object.fromEntries(entries)
}

async function checked(text: string): Promise<readonly Diagnostic[]> {
  const start = performance.now()
  const { diagnostics } = await readManifests([{ name: 'fuzz.yaml', text }])
  const tookMs = performance.now() - start
  const told = `seed ${seed}: ${JSON.stringify(text)}`
  assert.ok(tookMs < hangMs, `${tookMs} ms, ${told}`)
  const lines = text.split('\n')
  for (const { position, message, code } of diagnostics) {
    assert.ok(position !== undefined && message !== '' && code !== '', told)
    const line = lines[position.line - 1]
    assert.ok(line !== undefined && position.column >= 1 && position.column <= line.length + 1, `${code}, ${told}`)
    assert.doesNotMatch(message, /\bat .*\.ts:|undefined|\[object/, told)
  }
  return diagnostics
}

function untilBudget(): () => boolean {
  const end = performance.now() + budgetMs
  return () => performance.now() < end
}

test('mutated text', async () => {
  const goesOn = untilBudget()
  let rounds = 0
  let wrong = 0
  while (goesOn()) {
    rounds++
    if ((await checked(mutateText(pick(slices)))).some(({ severity }) => severity === 'error')) wrong++
  }
  assert.ok(rounds > 100 && wrong > rounds / 10, `${wrong} of ${rounds}`)
})

test('mutated trees', async () => {
  const trees = slices.flatMap(text => composeSlice({ text, offset: 0 }).map(document => document.value))
  const goesOn = untilBudget()
  let rounds = 0
  while (goesOn()) {
    rounds++
    const tree = mutateTree(pick(trees))
    const isObject = typeof tree === 'object' && tree !== null && !Array.isArray(tree)
    await checked(random(2) === 0 && isObject ? printManifest([tree as KubernetesObject]) : JSON.stringify(tree))
  }
  assert.ok(rounds > 100, String(rounds))
})

test('the reader of plain YAML gives what the composer gives', () => {
  const goesOn = untilBudget()
  let plain = 0
  while (goesOn()) {
    const whole = pick(slices)
    const lines = whole.split('\n')
    const from = random(lines.length)
    const text = mutateText(whole.length > 1500 ? lines.slice(from, from + 25).join('\n') : whole)
    const fast = readPlainYaml(text)
    if (fast === undefined) continue
    plain++
    const documents = composeSlice({ text, offset: 0 })
    const told = `seed ${seed}: ${JSON.stringify(text)}`
    assert.ok(documents.length <= 1, told)
    assert.deepEqual(documents[0]?.findings ?? [], [], told)
    assert.ok(isDeepStrictEqual(documents[0]?.value ?? null, fast.value), told)
    assert.equal(documents[0]?.hasNulls ?? true, fast.hasNulls, told)
  }
  assert.ok(plain > 100, String(plain))
})
