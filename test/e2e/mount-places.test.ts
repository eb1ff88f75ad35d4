/** Volumes in the places of what the kernel has in a container. */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { useBlockingKube } from '../support/blocking-kube.ts'
import { cannotRunPods } from '../support/need.ts'
import { pod } from '../support/objects.ts'

describe('places of volumes', { skip: cannotRunPods }, () => {
  const kube = useBlockingKube()

  const withVolume = (name: string, volume: object, mount: object) =>
    pod(name, {
      container: { volumeMounts: [{ name: 'v', ...mount }] },
      spec: { volumes: [{ name: 'v', ...volume }] },
    })

  test("over the kernel's own file systems: what hides only them is done, what no container starts with is refused", () => {
    const empty = { emptyDir: {} }
    kube.play('sys', withVolume('sys', empty, { mountPath: '/sys' }))
    assert.equal(kube.sh('sys', 'ls -A /sys; test -c /dev/null && echo there'), 'there')
    kube.down('sys')

    for (const mountPath of ['/', '/proc', '/dev']) {
      const said = kube.playFails('over', withVolume('over', empty, { mountPath }))
      assert.match(said, /error: spec.containers\[0\].volumeMounts\[0\].mountPath: Not supported: /)
    }
    mkdirSync(`${kube.directory}/dev`)
    const bare = { hostPath: { path: `${kube.directory}/dev` } }
    assert.match(
      kube.playFails('over', withVolume('over', bare, { mountPath: '/dev' })),
      /there is no null device in what is mounted at its \/dev/,
    )
  })
})
