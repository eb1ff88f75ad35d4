import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { useBlockingKube } from '../support/blocking-kube.ts'
import { eventually } from '../support/eventually.ts'
import { IMAGE } from '../support/instance.ts'
import { cannotRunPods } from '../support/need.ts'
import { containerOf } from '../support/object-views.ts'
import { pod } from '../support/objects.ts'

const top = '/sys/fs/cgroup'
/** Where systemd would keep account of a session's processes. */
const hierarchies = (existsSync(`${top}/cgroup.controllers`) ? [top] : [`${top}/unified`, `${top}/systemd`]).filter(
  directory => existsSync(`${directory}/cgroup.procs`),
)
const noSystemd = existsSync('/run/systemd/system') ? false : 'systemd does not run this machine'

describe('when whoever played pods is gone', { skip: cannotRunPods }, () => {
  const kube = useBlockingKube()

  const noHierarchy = hierarchies.length === 0 && 'no cgroup hierarchy to hold a session'

  test('neither monitors nor the supervisor are left in the cgroup of the session', { skip: noHierarchy }, async () => {
    const session = hierarchies.map(hierarchy => `${hierarchy}/kube-test-session-${process.pid}`)
    for (const directory of session) mkdirSync(directory)
    const probe = { livenessProbe: { exec: { command: ['true'] } } }
    const manifest = kube.manifest([pod('lasting', { container: probe })])
    const enter = 'for at; do [ "$at" != -- ] || break; echo $$ >"$at"/cgroup.procs; shift; done; shift; exec "$@"'
    const words = ['sh', ...session, '--', ...kube.commandLine(['play', manifest])]
    const played = spawnSync('sh', ['-c', enter, ...words], { encoding: 'utf8' })
    assert.equal(played.status, 0, played.stderr)
    const members = () =>
      session.flatMap(directory => readFileSync(`${directory}/cgroup.procs`, 'utf8').split('\n').filter(Boolean))
    // The supervisor starts there, and its first deed is to leave.
    const supervisorPid = join(kube.runroot, 'supervisor.pid')
    await eventually(() => {
      assert.ok(existsSync(supervisorPid), 'no supervisor')
      assert.deepEqual(members(), [])
    })
    for (const directory of session) rmdirSync(directory)
    const supervisor = readFileSync(supervisorPid, 'utf8').split(' ')[0]!
    assert.match(readFileSync(`/proc/${supervisor}/cgroup`, 'utf8'), /\/kube-\w+\/monitors$/m)
    kube.down('manifest-0')
  })

  test('a shutdown ends containers within their grace periods, and the next play runs them again', async () => {
    const command = ['sh', '-c', "trap 'echo ended; exit 0' TERM; echo began; while :; do sleep 0.1; done"]
    const objects = [
      pod('asked', { container: { command }, spec: { terminationGracePeriodSeconds: 30 } }),
      pod('deaf', { container: { command: ['sleep', '1000'] }, spec: { terminationGracePeriodSeconds: 1 } }),
    ]
    kube.play('shutdown', ...objects)
    await eventually(() => assert.equal(kube.logs('asked'), 'began\n'))
    kube.ok('shut-down')
    assert.equal(kube.logs('asked'), 'began\nended\n')
    assert.equal(containerOf(kube.get('pod', 'deaf').status, 'main').state.terminated?.reason, 'Error')
    kube.play('shutdown', ...objects)
    for (const name of ['asked', 'deaf']) kube.waitForPhase(name, 'Running')
    kube.down('shutdown')
  })

  test('systemd has a unit for it as long as there are pods', { skip: cannotRunPods || noSystemd }, async () => {
    const active = async (unit: string, wish: string) => {
      const state = () => spawnSync('systemctl', ['is-active', unit], { encoding: 'utf8' }).stdout.trim()
      await eventually(() => assert.equal(state(), wish))
    }
    kube.play('unit', pod('one', { container: { image: IMAGE } }))
    const unit = readFileSync(join(kube.runroot, 'shutdown-unit'), 'utf8')
    await active(unit, 'active')
    // Only the end of the machine ends pods.
    spawnSync('systemctl', ['stop', unit])
    kube.waitForPhase('one', 'Running')
    kube.play('unit', pod('one', { container: { image: IMAGE } }), pod('two'))
    const next = readFileSync(join(kube.runroot, 'shutdown-unit'), 'utf8')
    assert.notEqual(next, unit)
    await active(next, 'active')
    kube.down('unit')
    await active(next, 'inactive')
  })
})
