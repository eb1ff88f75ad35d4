/** Loaded into each test file's process: one that exits in the midst of its tests would otherwise pass, without a word. */
import { after } from 'node:test'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  let isOver = false
  after(() => {
    isOver = true
  })
  process.on('exit', () => {
    if (isOver) return
    process.stderr.write('The process of this test file ended before its tests did.\n')
    process.exitCode = 1
  })
}
