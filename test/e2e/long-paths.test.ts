/** State roots whose paths are longer than a socket's may be, or hold what shells and mount options treat in their own way. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { useBlockingKube } from '../support/blocking-kube.ts'
import { cannotRunPods } from '../support/need.ts'
import { pod } from '../support/objects.ts'

describe('state roots with unusual paths', { skip: cannotRunPods }, () => {
  for (const [what, below] of [
    ['long ones', 'l'.repeat(120)],
    ['ones with spaces, quotes and other letters', 'r\u00f6ot \'a\' "b" $c'],
  ] as const)
    describe(what, () => {
      const kube = useBlockingKube({ below })

      test('hold pods, their sockets and their logs', () => {
        const main = { command: ['sh', '-c', 'read line; echo "got $line"'], stdin: true }
        kube.play('odd', pod('odd', { container: main, spec: { restartPolicy: 'Never' } }))
        assert.equal(kube.ok('exec', '-q', 'odd', '--', 'echo', 'here'), 'here\n')
        assert.equal(kube.runWith('word\n', 'attach', '-i', 'odd').stdout, 'got word\n')
        assert.equal(kube.ok('logs', 'odd'), 'got word\n')
      })
    })
})
