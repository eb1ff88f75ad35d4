import assert from 'node:assert/strict'
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { keepLog, LOG_FILE_BYTES, logFiles, removeLog } from './log-files.ts'
import { type ReadLogOptions, readLog } from './read-log.ts'

const directory = mkdtempSync(join(tmpdir(), 'kube-log-'))
after(() => rmSync(directory, { recursive: true }))

const LINES = [
  '2026-01-01T00:00:01.000000001+00:00 stdout F one',
  '2026-01-01T00:00:02.5+00:00 stderr F two with  spaces ',
  '2026-01-01T00:00:03+00:00 stdout P thr',
  '2026-01-01T00:00:03+00:00 stdout F ee',
  '2026-01-01T00:00:04+00:00 stdout F ',
  '2026-01-01T00:00:05+00:00 stdout P fi',
]

let serial = 0

function logFile(lines: readonly string[]): string {
  const path = join(directory, `${serial++}.log`)
  writeFileSync(path, lines.map(line => `${line}\n`).join(''))
  return path
}

async function textOf(path: string, options: ReadLogOptions = {}): Promise<string> {
  let text = ''
  for await (const entries of readLog(path, options))
    for (const entry of entries) text += entry.text.toString() + (entry.isFull ? '\n' : '')
  return text
}

test('the whole log', async () => {
  assert.equal(await textOf(logFile(LINES)), 'one\ntwo with  spaces \nthree\n\nfi')
})

test('the last lines, parts joined', async () => {
  const path = logFile(LINES)
  assert.equal(await textOf(path, { tail: 0 }), '')
  assert.equal(await textOf(path, { tail: 1 }), 'fi')
  assert.equal(await textOf(path, { tail: 2 }), '\nfi')
  assert.equal(await textOf(path, { tail: 3 }), 'three\n\nfi')
  assert.equal(await textOf(path, { tail: 4 }), 'two with  spaces \nthree\n\nfi')
  for (const tail of [5, 6, 100]) assert.equal(await textOf(path, { tail }), await textOf(path), `tail ${tail}`)
  assert.equal(await textOf(logFile([]), { tail: 3 }), '')
})

test('the last lines of a long log, over the borders of what is read at once', async () => {
  const long = Array.from({ length: 4000 }, (_, i) => `2026-01-01T00:00:01+00:00 stdout F ${i} ${'x'.repeat(i % 173)}`)
  const path = logFile(long)
  const all = (await textOf(path)).trimEnd().split('\n')
  assert.equal(all.length, 4000)
  for (const tail of [1, 2, 600, 1333, 3999, 4000])
    assert.deepEqual((await textOf(path, { tail })).trimEnd().split('\n'), all.slice(-tail), `tail ${tail}`)
})

test('since a time', async () => {
  assert.equal(await textOf(logFile(LINES), { sinceMs: Date.parse('2026-01-01T00:00:04Z') }), '\nfi')
})

test('bytes that are no text, and lines in no format', async () => {
  const path = logFile([])
  const raw = Buffer.concat([Buffer.from('garbage\n2026-01-01T00:00:01Z stdout F '), Buffer.of(0xff, 0, 0xfe, 10)])
  writeFileSync(path, raw)
  const entries = (await Array.fromAsync(readLog(path))).flat()
  assert.deepEqual(
    entries.map(entry => [...entry.text]),
    [[0xff, 0, 0xfe]],
  )
})

test('an absent log is empty', async () => {
  assert.equal(await textOf(join(directory, 'none.log')), '')
})

test('follows until the writer has ended, and reads what it wrote last', async () => {
  const path = logFile(LINES.slice(0, 1))
  const { promise, resolve } = Promise.withResolvers<void>()
  const seen: string[] = []
  for await (const entries of readLog(path, { until: promise })) {
    seen.push(...entries.map(entry => entry.text.toString()))
    if (seen.length === 1) appendFileSync(path, `${LINES[1]}\n`)
    if (seen.length === 2) {
      appendFileSync(path, `${LINES[3]}\n`)
      resolve()
    }
  }
  assert.deepEqual(seen, ['one', 'two with  spaces ', 'ee'])
})

test('follows a log that comes later', async () => {
  mkdirSync(join(directory, 'later'))
  const path = join(directory, 'later', '0.log')
  const { promise, resolve } = Promise.withResolvers<void>()
  const reading = textOf(path, { until: promise })
  writeFileSync(path, `${LINES[0]}\n`)
  resolve()
  assert.equal(await reading, 'one\n')
})

test('a signal ends the following', async () => {
  const abort = new AbortController()
  const path = logFile(LINES.slice(0, 1))
  let count = 0
  for await (const _ of readLog(path, { until: new Promise(() => {}), signal: abort.signal })) {
    count++
    abort.abort()
  }
  assert.equal(count, 1)
})

/** A log in three files, of which the monitor writes to the last. */
function rotatedLog(...parts: readonly (readonly string[])[]): string {
  const path = logFile(parts.at(-1)!)
  for (const [index, lines] of parts.entries()) {
    const kept = `${path}.${index + 9}`
    if (index === parts.length - 1) linkSync(path, kept)
    else writeFileSync(kept, lines.map(line => `${line}\n`).join(''))
  }
  return path
}

test('all files of a log, oldest first, and none twice', async () => {
  const path = rotatedLog(LINES.slice(0, 1), LINES.slice(1, 3), LINES.slice(3))
  const all = 'one\ntwo with  spaces \nthree\n\nfi'
  assert.equal(await textOf(path), all)
  for (const [tail, text] of [
    [0, ''],
    [1, 'fi'],
    [2, '\nfi'],
    [3, 'three\n\nfi'],
    [4, 'two with  spaces \nthree\n\nfi'],
    [5, all],
    [9, all],
  ] as const)
    assert.equal(await textOf(path, { tail }), text, `tail ${tail}`)
  assert.equal(await textOf(path, { sinceMs: Date.parse('2026-01-01T00:00:02Z') }), 'two with  spaces \nthree\n\nfi')
})

test('goes on with the next file, however many were begun meanwhile', async () => {
  const path = rotatedLog(LINES.slice(0, 1))
  const { promise, resolve } = Promise.withResolvers<void>()
  const seen: string[] = []
  for await (const entries of readLog(path, { until: promise })) {
    seen.push(...entries.map(entry => entry.text.toString()))
    if (seen.length !== 1) continue
    // What was written at the last moment, a whole file, and the beginning of another one.
    appendFileSync(path, `${LINES[1]}\n`)
    for (const [serial, line] of [
      [10, LINES[3]],
      [11, LINES[4]],
    ] as const) {
      writeFileSync(`${path}.tmp`, `${line}\n`)
      linkSync(`${path}.tmp`, `${path}.${serial}`)
      renameSync(`${path}.tmp`, path)
    }
    resolve()
  }
  assert.deepEqual(seen, ['one', 'two with  spaces ', 'ee', ''])
})

test('a log gets a second name once; what a kubelet would keep is kept', () => {
  const path = logFile(['x'])
  for (let count = 0; count < 7; count++) {
    writeFileSync(`${path}.tmp`, '')
    // The fourth is short: its monitor began another one by itself.
    truncateSync(`${path}.tmp`, count === 3 ? 4 : LOG_FILE_BYTES)
    renameSync(`${path}.tmp`, path)
    keepLog(path)
    keepLog(path)
  }
  const names = logFiles(path).map(file => file.path.slice(path.length))
  assert.deepEqual(names, ['.2', '.3', '.4', '.5', '.6', ''])
  removeLog(path)
  assert.deepEqual(logFiles(path), [])
})

test('a file that is begun while the log is opened hides none', async () => {
  for (let round = 0; round < 200; round++) {
    const path = logFile(LINES.slice(0, 1))
    linkSync(path, `${path}.1`)
    writeFileSync(`${path}.tmp`, `${LINES[1]}\n`)
    const reading = textOf(path, round % 2 === 0 ? {} : { tail: 9 })
    renameSync(`${path}.tmp`, path)
    linkSync(path, `${path}.2`)
    // Whether the second file is in it is chance; the first is in any case, and comes first.
    assert.match(await reading, /^one\n(two with {2}spaces \n)?$/, `round ${round}`)
  }
})
