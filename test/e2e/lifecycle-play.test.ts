/** Staying with what was played: --wait, --attach, --watch, kube wait, events, diff and port, on the machine. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { freePorts } from '../support/free-ports.ts'
import { useKube } from '../support/kube.ts'
import { podManifest } from '../support/manifests.ts'
import { cannotRunPods } from '../support/need.ts'

/** Initial, maximum, reset, in milliseconds. */
const BACKOFF = '300,1200,60000'

const ONCE = { restartPolicy: 'Never' }

suite('staying', { concurrency: 3, skip: cannotRunPods }, () => {
  const kube = useKube({ env: { KUBE_BACKOFF_MS: BACKOFF } })

  function file(name: string, text: string): string {
    const path = `${kube.directory}/${name}.yaml`
    writeFileSync(path, text)
    return path
  }

  const names = async () => (await kube.list('pods')).map(({ metadata }) => metadata.name)

  test('--wait=ready ends when every pod is ready', async () => {
    const readinessProbe = { exec: { command: ['test', '-e', '/tmp/up'] }, periodSeconds: 1 }
    const script = 'sleep 0.7; touch /tmp/up; sleep 1000'
    const path = file('ready', podManifest('ready', [{ script, readinessProbe }]))
    await kube.ok(['play', path, '--wait=ready', '--timeout', '20s'])
    assert.match(await kube.ok(['get', 'pod', 'ready']), /1\/1 +Running/)
    await kube.ok(['down', path])
  })

  test('--wait=ready tells what is not, with its probe and its log', async () => {
    const readinessProbe = { exec: { command: ['cat', '/nope'] }, periodSeconds: 1 }
    const script = 'echo starting up; sleep 1000'
    const path = file('unready', podManifest('unready', [{ script, readinessProbe }]))
    const { status, stderr } = await kube.run(['play', path, '--wait=ready', '--timeout', '1500ms'])
    assert.equal(status, 1)
    assert.match(stderr, /timed out: pod\/unready is not ready/)
    assert.match(stderr, /pod unready: container main: is running, not ready/)
    assert.match(stderr, /last probe: readiness: cat: can't open '\/nope'/)
    assert.match(stderr, /\| starting up/)
    await kube.ok(['down', path])
  })

  test('--wait=complete waits for what runs once, and fails with it', async () => {
    const good = file('good', podManifest('good', [{ script: 'sleep 0.4' }], ONCE))
    await kube.ok(['play', good, '--wait=complete'])
    assert.match(await kube.ok(['get', 'pod', 'good']), /Completed/)
    await kube.ok(['down', good])
    const bad = file('bad', podManifest('bad', [{ script: 'echo oh no; exit 3' }], ONCE))
    const { status, stderr } = await kube.run(['play', bad, '--wait=complete'])
    assert.equal(status, 1)
    assert.match(stderr, /pod bad: container main: Error, exit status 3\n {4}\| oh no/)
    await kube.ok(['down', bad])
  })

  test('--wait stays until it is over, takes it away, and ends with its status', async () => {
    const path = file('job', podManifest('job', [{ script: 'sleep 0.3; exit 7' }], ONCE))
    // The option takes no file for its value.
    const { status } = await kube.run(['play', '--wait', path])
    assert.equal(status, 7)
    assert.ok(!(await names()).includes('job'))
    const fine = file('fine', podManifest('fine', [{ script: 'true' }], ONCE))
    assert.equal((await kube.run(['play', fine, '--wait'])).status, 0)
  })

  test('--attach prints what each container writes', async () => {
    const containers = [
      { name: 'a', script: 'echo one; sleep 0.3; echo -n two' },
      { name: 'b', script: 'echo bee >&2' },
    ]
    const path = file('attached', podManifest('attached', containers, ONCE))
    const { status, stdout } = await kube.run(['play', '--attach', path])
    assert.equal(status, 0)
    const lines = stdout.trim().split('\n').sort()
    assert.deepEqual(lines, ['attached/a | one', 'attached/a | two', 'attached/b | bee', 'pod/attached created'])
    assert.ok(!(await names()).includes('attached'))
  })

  test('Ctrl-C stops gracefully, twice kills', async () => {
    const script = 'trap "echo stopping" TERM; echo up; while true; do sleep 0.1; done'
    const path = file('stubborn', podManifest('stubborn', [{ script }], { terminationGracePeriodSeconds: 60 }))
    const begun = performance.now()
    const play = kube.start(['play', '--attach', path])
    await play.says(/\| up/)
    play.signal('SIGINT')
    await eventually(async () => assert.match(await kube.ok(['get', 'pods']), /Terminating/))
    assert.equal((await play.interrupt()).status, 130)
    assert.ok(performance.now() - begun < 20_000)
    assert.ok(!(await names()).includes('stubborn'))
  })

  test('what a container writes while it is stopped is printed, to its last line', async () => {
    const script = 'trap "echo stopping; sleep 0.3; echo stopped; exit 0" TERM; echo up; while true; do sleep 0.1; done'
    const path = file('wordy', podManifest('wordy', [{ script }], { terminationGracePeriodSeconds: 60 }))
    const play = kube.start(['play', '--attach', path])
    await play.says(/\| up/)
    const { status, stdout } = await play.interrupt()
    assert.equal(status, 130)
    assert.match(stdout, /\| up\nwordy\/main \| stopping\nwordy\/main \| stopped\n$/)
  })

  test('--watch plays again when the file is saved', async () => {
    const path = file('watched', podManifest('watched', [{ script: 'echo first; sleep 1000' }]))
    const play = kube.start(['play', '--watch', path])
    await play.says(/pod\/watched created/)
    // The file is watched from a moment after that.
    await eventually(async () => {
      writeFileSync(path, podManifest('watched', [{ script: 'echo second; sleep 1000' }]))
      await play.says(/pod\/watched configured/, 300)
    })
    writeFileSync(path, 'kind: [broken')
    await play.says(/error/)
    assert.equal((await play.interrupt()).status, 0)
    await eventually(async () => assert.equal(await kube.ok(['logs', 'watched']), 'second\n'))
    await kube.ok(['down', path])
  })

  test('--dry-run and diff say what would change, and change nothing', async () => {
    const path = file('app', podManifest('app', [{ script: 'sleep 1000' }]))
    assert.equal(await kube.ok(['play', '--dry-run', path]), 'pod/app created (dry run)\n')
    assert.ok(!(await names()).includes('app'))
    await kube.ok(['play', path])
    assert.equal(await kube.ok(['play', '--dry-run', path]), 'pod/app unchanged (dry run)\n')
    assert.equal(await kube.ok(['diff', path]), '')
    const before = await kube.get('pod', 'app')
    writeFileSync(path, podManifest('other', [{ script: 'sleep 2000' }]))
    assert.equal(await kube.ok(['play', '--dry-run', path]), 'pod/other created (dry run)\npod/app pruned (dry run)\n')
    const { status, stdout } = await kube.run(['diff', path])
    assert.equal(status, 1)
    assert.match(stdout, /^diff -u -N LIVE\/v1\.Pod\.default\.app MERGED\/v1\.Pod\.default\.app$/m)
    assert.match(stdout, /^-.*name: app$/m)
    assert.match(stdout, /^\+.*name: other$/m)
    assert.deepEqual((await kube.get('pod', 'app')).metadata, before.metadata)
    await kube.ok(['down', path])
  })

  test('--publish, --publish-all, --annotation, kube port', async () => {
    const [one = 0, two = 0] = await freePorts(2)
    const ports = [{ containerPort: 8080 }, { containerPort: two }]
    const path = file('ports', podManifest('ports', [{ ports }]))
    const flags = ['--publish', `127.0.0.1:${one}:8080`, '--publish-all', '--annotation', 'example.com/who=me']
    await kube.ok(['play', path, ...flags])
    assert.equal(await kube.ok(['port', 'ports']), `8080/tcp -> 127.0.0.1:${one}\n${two}/tcp -> 0.0.0.0:${two}\n`)
    assert.equal(await kube.ok(['port', 'ports', '8080']), `127.0.0.1:${one}\n`)
    const { metadata } = await kube.get('pod', 'ports')
    assert.equal(metadata.annotations?.['example.com/who'], 'me')
    await kube.ok(['down', path])
    // Of several pods none is meant by a port that no container lists.
    const both = file('both', `${podManifest('one', [{}])}\n---\n${podManifest('two', [{}])}`)
    const { status, stderr } = await kube.run(['play', both, '--publish', '80:81'])
    assert.equal(status, 2)
    assert.match(stderr, /no container has port 81\/TCP/)
    assert.equal((await kube.run(['play', path, '--build'])).status, 2)
  })

  test('kube wait, as kubectl', async () => {
    const missing = await kube.run(['wait', 'pod/nobody', '--for=condition=Ready'])
    assert.equal(missing.status, 1)
    assert.match(missing.stderr, /pods "nobody" not found/)
    assert.equal(await kube.ok(['wait', 'pod/nobody', '--for=delete']), '')
    const made = kube.ok(['wait', 'pod/late', '--for=create', '--timeout=20s'])
    made.catch(() => {})
    const path = file('late', podManifest('late', [{}]))
    await kube.ok(['play', path])
    assert.equal(await made, 'pod/late condition met\n')
    assert.equal(await kube.ok(['wait', '--for=condition=Ready', 'pod', 'late']), 'pod/late condition met\n')
    const slow = await kube.run(['wait', 'pod/late', '--for=jsonpath={.status.phase}=Failed', '--timeout=200ms'])
    assert.equal(slow.status, 1)
    assert.equal(slow.stderr, 'error: timed out waiting for the condition on pods/late\n')
    const gone = kube.start(['wait', 'pod/late', '--for=delete', '--timeout=20s'])
    // It looks at once after that: before the next command can even begin to remove the pod.
    await eventually(() => assert.match(gone.openFiles().join(' '), /\/state\.db\b/))
    await kube.ok(['down', path])
    assert.equal((await gone.ended).stdout, 'pod/late condition met\n')
    assert.equal((await kube.run(['wait', 'pod/late'])).status, 2)
  })

  test('events: of one object, by type, as objects, and as they come', async () => {
    const path = file('told', podManifest('told', [{ script: 'exit 1' }]))
    const watching = kube.start(['events', '--watch', '--for', 'pod/told'])
    await kube.ok(['play', path])
    await watching.says(/BackOff/)
    await watching.interrupt()
    const warnings = await kube.ok(['events', '--for', 'pod/told', '--types', 'Warning'])
    assert.match(warnings, /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n/)
    assert.match(warnings, /Warning +BackOff +pod\/told +Back-off restarting failed container main in pod told_default/)
    assert.doesNotMatch(warnings, /Started/)
    const started = (await kube.list('events')).find(
      event => event.reason === 'Started' && event.involvedObject.name === 'told',
    )
    assert.equal(started?.involvedObject.fieldPath, 'spec.containers{main}')
    assert.equal(started?.source?.component, 'kubelet')
    const described = await kube.ok(['describe', 'pod', 'told'])
    assert.match(described, /^Events:\n {2}Type +Reason +Age +From +Message\n {2}----/m)
    assert.match(described, /Normal +Created +.*kubelet +spec\.containers\{main\}: Container created/)
    await kube.ok(['down', path])
  })
})
