import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { identityOf } from '../sys/process-identity.ts'
import { openExitWatch } from './exit-watch.ts'

test('all who wait for a container see its end, though the first of them takes the file away', async () => {
  const directory = mkdtempSync('/tmp/kube-exits-')
  using watch = openExitWatch(directory)
  const own = identityOf(process.pid)!
  const waits = [1, 2, 3].map(() => watch.ended('c1', own, 10_000))
  writeFileSync(`${directory}/c1`, '0')
  await Promise.race(waits)
  // Who is told of the same event, or looks at the same time, has looked by then.
  await setImmediate()
  rmSync(directory, { recursive: true })
  assert.deepEqual(await Promise.all(waits), [true, true, true])
})
