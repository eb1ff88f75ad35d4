import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, readlinkSync, writeSync } from 'node:fs'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { pipe } from './launch.ts'
import { firstLine, readToEnd } from './readable.ts'

test('lines of several pipes, in whichever order they come', async () => {
  const pipes = Array.from({ length: 40 }, () => pipe())
  const lines = pipes.map(([read]) => firstLine(read))
  for (const [index, [, write]] of [...pipes.entries()].reverse()) writeSync(write, `${index}\nmore`)
  assert.deepEqual(
    await Promise.all(lines),
    pipes.map((_, index) => `${index}\n`),
  )
  for (const [, write] of pipes) closeSync(write)
})

test('a line that comes in pieces, and one that is longer than a read', async () => {
  const [read, write] = pipe()
  const line = firstLine(read)
  const long = 'x'.repeat(10_000)
  for (const piece of ['{"data"', ': 1', long, '}\n']) {
    writeSync(write, piece)
    await setImmediate()
  }
  assert.equal(await line, `{"data": 1${long}}\n`)
  closeSync(write)
})

test('a pipe that ends says nothing, with half a line too, and is closed', async () => {
  const [read, write] = pipe()
  const [half, toHalf] = pipe()
  const target = readlinkSync(`/proc/self/fd/${read}`)
  writeSync(toHalf, 'half')
  for (const fd of [write, toHalf]) closeSync(fd)
  assert.deepEqual(await Promise.all([firstLine(read), firstLine(half)]), ['', ''])
  assert.notEqual(readlink(read), target)
})

test('all that comes through a pipe, and all of a file', async () => {
  const [read, write] = pipe()
  const all = readToEnd(read)
  for (const piece of ['one', ' and ', 'two']) {
    writeSync(write, piece)
    await setImmediate()
  }
  closeSync(write)
  assert.equal((await all).toString(), 'one and two')
  closeSync(read)
  const file = openSync(import.meta.filename, 'r')
  assert.deepEqual(await readToEnd(file), readFileSync(import.meta.filename))
  closeSync(file)
  const none = openSync('/dev/null', 'r')
  assert.equal((await readToEnd(none)).length, 0)
  closeSync(none)
})

function readlink(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return undefined
  }
}
