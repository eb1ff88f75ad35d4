/** State roots whose paths are longer than a socket's may be, or hold what shells and mount options treat in their own way. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { IMAGE, KubeUnderTest } from '../support/kube-under-test.ts'
import { cannotRunPods } from '../support/sandbox.ts'

describe('state roots with unusual paths', { skip: cannotRunPods }, () => {
  let kube: KubeUnderTest
  before(() => {
    kube = new KubeUnderTest()
  })
  after(() => kube[Symbol.dispose]())

  for (const [what, name] of [
    ['long ones', 'l'.repeat(120)],
    ['ones with spaces, quotes and other letters', 'r\u00f6ot \'a\' "b" $c'],
  ] as const)
    test(what, () => {
      const roots = ['--root', join(kube.directory, name, 'root'), '--runroot', join(kube.directory, name, 'run')]
      const ok = (...args: readonly string[]) => {
        const { status, stdout, stderr } = kube.run(...roots, ...args)
        assert.equal(status, 0, stderr)
        return stdout
      }
      ok('import', join(kube.directory, 'rootfs.tar'), IMAGE)
      const command = ['sh', '-c', 'read line; echo "got $line"']
      const containers = [{ name: 'main', image: IMAGE, command, stdin: true }]
      const spec = { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, containers }
      ok('play', kube.manifest([{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'odd' }, spec }]))
      assert.equal(ok('exec', '-q', 'odd', '--', 'echo', 'here'), 'here\n')
      assert.equal(kube.runWith('word\n', ...roots, 'attach', '-i', 'odd').stdout, 'got word\n')
      assert.equal(ok('logs', 'odd'), 'got word\n')
      ok('system', 'reset', '--force')
    })
})
