/** Terminals, standard streams, files and measurements of running containers. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { before, describe, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { IMAGE } from '../support/instance.ts'
import { useKube } from '../support/kube.ts'
import { cannotRunPods, lacking } from '../support/need.ts'
import { containerOf } from '../support/object-views.ts'
import type { Outcome } from '../support/running-command.ts'
import { jobManifest } from '../support/workload-manifests.ts'

const MANIFEST = `
apiVersion: v1
kind: Pod
metadata: {name: io, labels: {app: io}}
spec:
  terminationGracePeriodSeconds: 0
  restartPolicy: Never
  containers:
  - name: reader
    image: ${IMAGE}
    stdin: true
    command: [sh, -c, 'while read line; do echo "got $line"; echo "err $line" >&2; [ "$line" = bye ] && exit 5; done']
  - name: shell
    image: ${IMAGE}
    stdin: true
    tty: true
    command: [sh]
  - name: busy
    image: ${IMAGE}
    command: [sh, -c, 'while :; do :; done']
    resources: {limits: {cpu: 200m, memory: 32Mi}}
`

describe('looking inside', { skip: cannotRunPods || lacking('script') }, () => {
  const kube = useKube()
  before(async () => {
    await kube.play('io', MANIFEST)
  })

  /** Runs the command on a terminal, and types `keys` once it has shown `prompt`. */
  async function onTerminal(args: readonly string[], prompt: RegExp, keys: string): Promise<Outcome> {
    const command = kube.startOnTerminal(args, { env: { TERM: 'xterm-256color' } })
    await command.says(prompt)
    command.type(keys)
    return command.ended
  }

  test('exec -t gives the command a terminal of the same size and kind', async () => {
    // It ends by a key: what a command prints in its last moment can be lost in crun 1.8's copy of the terminal.
    const { status, stdout } = await onTerminal(
      ['exec', '-it', 'io', '-c', 'shell', '--', 'sh', '-c', "'tty; stty size; echo $TERM; read key; exit 9'"],
      /xterm-256color/,
      '\r',
    )
    assert.equal(status, 9)
    assert.match(stdout, /\/dev\/pts\/\d+\r*\n40 100\r*\nxterm-256color/)
  })

  test('exec -t without a terminal goes on without one', async () => {
    const { status, stdout, stderr } = await kube.run(['exec', '-t', 'io', '-c', 'shell', '--', 'tty'])
    assert.equal(status, 1)
    assert.match(stdout, /not a tty/)
    assert.match(stderr, /Unable to use a TTY/)
  })

  test('a signal for exec reaches the command and what it has started, and the pipe is let go of', async () => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      // The end of the outer shell alone would leave the others to hold the pipe.
      const script = 'sh -c "echo there; sleep 20; echo not reached"; echo not reached either'
      const command = kube.start(['exec', 'io', '-c', 'shell', '--', 'sh', '-c', script], { input: '' })
      await command.says(/there/)
      const signalled = performance.now()
      command.signal(signal)
      const { status, stdout } = await command.ended
      assert.ok(performance.now() - signalled < 10_000)
      assert.deepEqual([status, stdout], [128 + constants.signals[signal], 'there\n'], signal)
      assert.doesNotMatch(await kube.ok(['exec', 'io', '-c', 'shell', '--', 'ps']), /sleep 20|not reached/)
    }
  })

  test('attach to a terminal, and leave it by Ctrl-P Ctrl-Q', async () => {
    const { status } = await onTerminal(
      ['attach', '-it', 'io', '-c', 'shell'],
      /detaches\./,
      'echo $((6*7))\r\u0010\u0011',
    )
    assert.equal(status, 0)
    await eventually(async () => assert.match(await kube.ok(['logs', 'io', '-c', 'shell']), /42/))
    assert.equal(containerOf((await kube.get('pod', 'io')).status, 'shell').ready, true)
  })

  test('attach hands on streams and ends with the container, by its status', async () => {
    const { status, stdout, stderr } = await kube.run(['attach', '-i', 'io', '-c', 'reader'], { input: 'one\nbye\n' })
    assert.deepEqual(
      { status, stdout, stderr },
      { status: 5, stdout: 'got one\ngot bye\n', stderr: 'err one\nerr bye\n' },
    )
    assert.equal((await kube.run(['attach', 'io', '-c', 'reader'])).status, 1)
  })

  test('cp both ways keeps contents, modes and links', async () => {
    const source = `${kube.directory}/source`
    mkdirSync(`${source}/sub`, { recursive: true })
    writeFileSync(`${source}/run.sh`, '#!/bin/sh\necho ran\n', { mode: 0o755 })
    writeFileSync(`${source}/sub/empty`, '')
    writeFileSync(`${source}/big`, Buffer.alloc(1_500_000, 'kube'))
    symlinkSync('run.sh', `${source}/link`)
    const into = (path: string) => `io:${path}`
    await kube.ok(['cp', source, into('/tmp/copy'), '-c', 'shell'])
    assert.equal(await kube.ok(['exec', '-q', 'io', '-c', 'shell', '--', '/tmp/copy/link']), 'ran\n')
    await kube.ok(['cp', into('/tmp/copy'), `${kube.directory}/back`, '-c', 'shell'])
    execFileSync('diff', ['-r', source, `${kube.directory}/back`])
    assert.equal(readlinkSync(`${kube.directory}/back/link`), 'run.sh')
    await kube.ok(['cp', `${source}/run.sh`, into('/tmp/'), '-c', 'shell'])
    await kube.ok(['cp', into('/tmp/run.sh'), kube.directory, '-c', 'shell'])
    assert.equal(readFileSync(`${kube.runroot}.sh`, 'utf8'), '#!/bin/sh\necho ran\n')
    assert.equal((await kube.run(['cp', into('/nothing'), `${kube.directory}/x`, '-c', 'shell'])).status, 1)
    assert.equal((await kube.run(['cp', `${kube.directory}/nothing`, into('/tmp'), '-c', 'shell'])).status, 1)
    assert.equal((await kube.run(['cp', 'a', 'b'])).status, 2)
  })

  test('what a container sends cannot leave the directory it is copied to', async () => {
    const outside = `${kube.directory}/outside`
    mkdirSync(outside)
    // The copied tree brings a link and, by a second archive appended to the first, a file below the link.
    const tar = `
      mkdir -p /tmp/evil && cd /tmp/evil && ln -sfn ${outside} d && tar cf /tmp/1.tar -C /tmp evil &&
      rm d && mkdir d && echo owned > d/file && tar cf /tmp/2.tar -C /tmp evil/d/file &&
      (head -c -1024 /tmp/1.tar; cat /tmp/2.tar) > /tmp/both.tar &&
      printf '#!/bin/sh\\nexec /bin/busybox cat /tmp/both.tar\\n' > /tmp/tar && chmod +x /tmp/tar &&
      rm -f /bin/tar && cp /tmp/tar /bin/tar`
    await kube.ok(['exec', '-q', 'io', '-c', 'shell', '--', 'sh', '-c', tar])
    await kube.run(['cp', 'io:/tmp/evil', `${kube.directory}/evil`, '-c', 'shell'])
    assert.deepEqual(execFileSync('ls', [outside], { encoding: 'utf8' }), '')
  })

  test('top and stats measure what is used', async () => {
    const [pod] = await kube.json<{ pod: string; cpu: number; memoryBytes: number }[]>(['top', 'pod', 'io'])
    assert.ok(pod !== undefined && pod.cpu > 0.1 && pod.cpu < 0.4, `cpu ${pod?.cpu}`)
    assert.ok(pod.memoryBytes > 100_000)
    assert.match(await kube.ok(['top', 'pods', '--containers']), /io\s+busy\s+\d+m\s+\d+Mi/)
    const stats = await kube.json<{ container: string; memoryLimitBytes?: number; processes: number }[]>([
      'stats',
      'io/busy',
    ])
    assert.deepEqual(
      stats.map(({ container, memoryLimitBytes, processes }) => ({ container, memoryLimitBytes, processes })),
      [{ container: 'busy', memoryLimitBytes: 32 * 2 ** 20, processes: 1 }],
    )
    assert.equal((await kube.run(['top', 'pod', 'nope'])).status, 1)
  })

  test('logs -f and get -w go on until they are told to stop', async () => {
    const followed = await kube.run(['logs', '-f', 'io', '-c', 'reader'])
    assert.equal(followed.status, 0)
    assert.match(followed.stdout, /^got one$/m)
    const watching = kube.start(['get', 'pods', '-w', '--no-headers'])
    await watching.says(/^io /m)
    await kube.play('late', MANIFEST.replace(/name: io,/, 'name: late,'))
    await watching.says(/^late .*Running/m)
    await watching.interrupt()
    // What comes later brings the header with it where nothing was there yet.
    const empty = kube.start(['get', 'jobs', '-w'])
    await empty.says(/^No resources found/m)
    await kube.play('soon', jobManifest('soon', { script: 'exit 0' }))
    await empty.says(/^NAME +STATUS .*\nsoon /m)
    await empty.interrupt()
    await kube.ok(['down', 'soon'])
  })

  test('get --watch-only prints nothing but what changes', async () => {
    const settings = (n: string) =>
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'counted' }, data: { n } })
    await kube.play('counted', settings('first'))
    const format = 'jsonpath-as-json={.data.n}'
    assert.equal(await kube.ok(['get', 'cm', 'counted', '--chunk-size=1', '-o', format]), '[\n    "first"\n]\n')
    const watching = kube.start(['get', 'cm', 'counted', '--watch-only', '-o', format])
    // It is watched from a moment after the start that nothing tells of.
    let round = 0
    await eventually(async () => {
      await kube.play('counted', settings(`later-${round++}`))
      await watching.says(/later/, 300)
    })
    await watching.interrupt()
    assert.doesNotMatch((await watching.ended).stdout, /first/)
    await kube.ok(['down', 'counted'])
  })

  test('completion knows verbs, options and what runs', async () => {
    const complete = async (...words: readonly string[]) => (await kube.ok(['__complete', '--', ...words])).split('\n')
    assert.ok((await complete('')).includes('logs'))
    assert.ok((await complete('logs', '')).includes('io'))
    assert.ok((await complete('logs', '--')).includes('--tail'))
    assert.ok((await complete('get', '')).includes('deployments'))
    assert.ok((await complete('rmi', '')).includes(IMAGE))
    const has = async (words: readonly string[], ...answers: readonly string[]) => {
      const found = await complete(...words)
      for (const answer of answers) assert.ok(found.includes(answer), `${words.join(' ')}: ${answer}`)
    }
    await has([''], 'stop', 'start', 'port-forward', 'rollout', 'volume')
    await has(['rollout', ''], 'status', 'undo')
    await has(['rollout', 'status', '--'], '--timeout')
    await has(['play', '--'], '--start', '--no-hosts', '--log-driver')
    assert.ok(!(await complete('play', '--')).includes('--mac-address'))
    await has(['stop', ''], 'io')
    await has(['port-forward', '-n', 'default', ''], 'io')
    await has(['logs', 'io', '-c', ''], 'shell', 'reader')
    await has(['logs', '-n', ''], 'default')
    await has(['get', 'pods', '-o', ''], 'json', 'jsonpath=')
    await has(['get', 'po', ''], 'io')
    await has(['--log-level', ''], 'debug')
    await has(['completion', ''], 'zsh')
    assert.deepEqual(await complete('exec', 'io', '--', ''), [''])
    const script = `${kube.directory}/completion.bash`
    writeFileSync(script, await kube.ok(['completion', 'bash']))
    execFileSync('bash', ['-n', script])
    assert.equal((await kube.run(['completion', 'csh'])).status, 2)
  })
})
