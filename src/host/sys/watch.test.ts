import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { namesIn, timesOf, watchPath } from './watch.ts'

/** Waits for a name that is told. */
function telling() {
  const told: (string | null)[] = []
  let wake: () => void = () => {}
  return {
    onChange(name: string | null) {
      told.push(name)
      wake()
    },
    async until(name: string): Promise<void> {
      while (!told.includes(name)) await new Promise<void>(resolve => (wake = resolve))
      told.length = 0
    },
  }
}

test('what cannot be watched is looked at: what comes, what is written, what goes', async () => {
  const top = mkdtempSync('/tmp/kube-watch-')
  const directory = `${top}/later`
  const [names, times] = [telling(), telling()]
  const base = { pollMs: 5, persistent: true }
  using byName = watchPath(directory, { ...base, snapshot: () => namesIn(directory), onChange: names.onChange })
  using _byTime = watchPath(directory, { ...base, snapshot: () => timesOf(directory, ['a']), onChange: times.onChange })
  assert.equal(byName.isWatching(), false)
  mkdirSync(directory)
  writeFileSync(`${directory}/a`, '')
  await Promise.all([names.until('a'), times.until('a')])
  // Its writer may have been between the two.
  await names.until('a')
  writeFileSync(`${directory}/a`, 'more')
  await times.until('a')
  rmSync(top, { recursive: true })
  await Promise.all([names.until('a'), times.until('a')])
})

test('what can be watched is not looked at', async () => {
  const directory = mkdtempSync('/tmp/kube-watch-')
  const names = telling()
  const snapshot = () => assert.fail('looked')
  using watch = watchPath(directory, { snapshot, pollMs: 1, persistent: true, onChange: names.onChange })
  assert.equal(watch.isWatching(), true)
  writeFileSync(`${directory}/a`, '')
  await names.until('a')
  rmSync(directory, { recursive: true })
})
