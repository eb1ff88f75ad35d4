/** A machine that lacks something: `system check` and `play` say what, and what to do; nothing is left. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { suite, test } from 'node:test'
import { findProgram } from '../../src/host/sys/find-program.ts'
import { freePort } from '../support/free-ports.ts'
import { useKube } from '../support/kube.ts'
import { lacking } from '../support/need.ts'
import { pod } from '../support/objects.ts'

suite('missing tools', { skip: lacking('crun', 'conmon', 'catatonit', 'unshare', 'ldconfig') }, () => {
  const kube = useKube()

  /** Runs the command where `path` is another file, for it alone. */
  function without(path: string, standIn: string, args: readonly string[]) {
    const script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    const words = ['--mount', 'sh', '-c', script, 'sh', standIn, path, ...kube.commandLine(args)]
    return spawnSync('unshare', words, { encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL' })
  }

  const libraryPath = (name: string) =>
    realpathSync(new RegExp(`${name}.*=> (.*)$`, 'm').exec(execFileSync('ldconfig', ['-p'], { encoding: 'utf8' }))![1]!)

  const manifest = async () =>
    kube.manifest([pod('p', { container: { ports: [{ containerPort: 80, hostPort: await freePort() }] } }), pod('q')])

  for (const [name, path, packageName] of [
    ['crun', () => findProgram('crun')!, 'crun'],
    ['conmon', () => findProgram('conmon')!, 'conmon'],
    ['catatonit', () => findProgram('catatonit')!, 'catatonit'],
    ['libnftables', () => libraryPath('libnftables.so.1'), 'nftables'],
  ] as const) {
    test(`without ${name}`, async () => {
      const nothing = kube.file('nothing', '')
      const check = without(path(), nothing, ['system', 'check'])
      assert.equal(check.status, 1, check.stdout)
      assert.match(check.stdout, new RegExp(`^${packageName} +MISSING .*not installed.* ${packageName}$`, 'm'))
      const play = without(path(), nothing, ['play', await manifest()])
      assert.equal(play.status, 1)
      assert.match(
        play.stderr,
        new RegExp(`${name} is not installed[\\s\\S]*hint: install it.* ${packageName};.*system check`),
      )
      await kube.nothingLeft()
    })
  }

  test('one that is too old, and one that does not run', async () => {
    const conmon = findProgram('conmon')!
    const old = kube.file(
      'old',
      '#!/bin/sh\necho conmon version 2.0.25\necho "Unknown option --full-attach" >&2\nexit 1\n',
    )
    execFileSync('chmod', ['755', old])
    assert.match(
      without(conmon, old, ['system', 'check']).stdout,
      /^conmon +MISSING +2\.0\.25 is too old .*2\.1\.0 or newer/m,
    )
    const play = without(conmon, old, ['play', await manifest()])
    assert.match(play.stderr, /too old: it does not know --full-attach[\s\S]*system check/)
    const broken = kube.file(
      'broken',
      '#!/bin/sh\necho "conmon: error while loading shared libraries: libx.so.1" >&2\nexit 127\n',
    )
    execFileSync('chmod', ['755', broken])
    assert.match(without(conmon, broken, ['system', 'check']).stdout, /^conmon +MISSING +does not run: .*libx\.so\.1/m)
    await kube.nothingLeft()
  })
})
