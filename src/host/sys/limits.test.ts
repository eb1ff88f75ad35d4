import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { lacking } from '../../../test/support/need.ts'
import { checkLimits } from './limits.ts'

test('limits are told as sysctl has them, with what to do where one is low', { skip: lacking('sysctl') }, () => {
  const limits = checkLimits()
  for (const name of ['fs.inotify.max_user_instances', 'kernel.pid_max', 'fs.mount-max', 'kernel.pty.max']) {
    const found = limits.find(limit => limit.name === name)
    assert.ok(found, name)
    const value = execFileSync('sysctl', ['-n', name], { encoding: 'utf8' }).trim()
    assert.match(found.detail, new RegExp(`^\\d+ of ${value} used$`))
    assert.equal(found.fix === undefined, found.ok)
  }
})
