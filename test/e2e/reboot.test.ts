import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { identityOf } from '../../src/host/sys/process-identity.ts'
import { useBlockingKube } from '../support/blocking-kube.ts'
import { IMAGE } from '../support/instance.ts'
import { cannotRunPods } from '../support/need.ts'
import { containerOf } from '../support/object-views.ts'

const pod = (name: string, restartPolicy: string, command: readonly string[]) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { restartPolicy, terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: IMAGE, command }] },
})

describe('after a reboot', { skip: cannotRunPods }, () => {
  const kube = useBlockingKube()

  /** Ends what a reboot ends, the run-time state with it. */
  function reboot(): void {
    const bundles = join(kube.runroot, 'c')
    const files = readdirSync(bundles).flatMap(name => [
      join(bundles, name, 'conmon.pid'),
      join(bundles, name, 'pidfile'),
    ])
    // Monitors, the supervisor and whatever wakes it: they name the directory. The next may just be starting.
    for (let pids = namers(); pids.length > 0; pids = namers()) for (const pid of pids) kill(pid)
    for (const file of files) killNamedBy(file)
    unmount(kube.directory)
    rmSync(kube.runroot, { recursive: true })
  }

  function unmount(directory: string): void {
    const mounts = execFileSync('findmnt', ['-rno', 'TARGET'], { encoding: 'utf8' }).split('\n')
    for (const mount of mounts.filter(at => at.startsWith(`${directory}/`)).reverse())
      execFileSync('umount', ['--lazy', mount])
  }

  function killNamedBy(file: string): void {
    try {
      kill(Number(readFileSync(file, 'utf8')))
    } catch {
      // It has no such file.
    }
  }

  function kill(pid: number): void {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended before.
    }
  }

  /** Living processes with the run-time directory in their command line, other than this one. */
  function namers(): readonly number[] {
    return readdirSync('/proc')
      .map(Number)
      .filter(pid => pid > 0 && pid !== process.pid && commandLine(pid).includes(kube.runroot))
  }

  function commandLine(pid: number): string {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    } catch {
      return ''
    }
  }

  test('pods that were over are known to be, and those that ran run again with the next play', () => {
    const objects = [pod('over', 'Never', ['sh', '-c', 'exit 3']), pod('lasting', 'Always', ['sleep', '1000'])]
    kube.play('boot', ...objects)
    kube.waitForPhase('over', 'Failed')
    reboot()
    const { metadata, status } = kube.get('pod', 'over')
    assert.deepEqual([status.phase, containerOf(status, 'main').state.terminated?.exitCode], ['Failed', 3])
    kube.play('boot', ...objects)
    kube.waitForPhase('lasting', 'Running')
    assert.equal(kube.sh('lasting', 'echo here'), 'here')
    const after = kube.get('pod', 'over')
    assert.deepEqual([after.metadata.uid, after.status.phase], [metadata.uid, 'Failed'])
  })

  test('what the OCI runtime cannot read any more is taken away all the same', () => {
    const state = join(kube.runroot, 'crun')
    const before = readdirSync(state)
    kube.play('torn', pod('torn', 'Always', ['sleep', '1002']))
    const [{ infra }] = JSON.parse(kube.ok('inspect', 'torn'))
    const torn = readdirSync(state).filter(id => !before.includes(id))
    assert.equal(torn.length, 2)
    for (const id of torn) rmSync(join(state, id, 'config.json'))
    kube.down('torn')
    assert.equal(identityOf(infra.pid), undefined)
    assert.deepEqual(readdirSync(state), before)
  })

  test('processes go with their pod although the run-time state was deleted under them', () => {
    kube.play('lost', pod('lost', 'Always', ['sleep', '1001']))
    const [{ infra, cgroup }] = JSON.parse(kube.ok('inspect', 'lost'))
    unmount(kube.runroot)
    rmSync(kube.runroot, { recursive: true })
    kube.down('lost')
    assert.equal(identityOf(infra.pid), undefined)
    assert.equal(execFileSync('find', ['/sys/fs/cgroup', '-path', `*${cgroup}`], { encoding: 'utf8' }), '')
  })
})
