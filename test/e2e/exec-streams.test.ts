/** What a command of `kube exec` gets of its caller's streams, and what the caller gets of the command's. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { before, suite, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { IMAGE } from '../support/instance.ts'
import { useKube } from '../support/kube.ts'
import { cannotRunPods, lacking } from '../support/need.ts'

const MANIFEST = `
apiVersion: v1
kind: Pod
metadata: {name: io}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: ${IMAGE}, command: [sleep, '100000']}
  - {name: user, image: ${IMAGE}, command: [sleep, '100000'], securityContext: {runAsUser: 1234}}
`

const PIPES = /^pipe:\[\d+\]\npipe:\[\d+\]\npipe:\[\d+\]\n$/
const DESCRIPTORS = 'for n in 0 1 2; do readlink /proc/$$/fd/$n; done'

suite('the streams of exec', { skip: cannotRunPods || lacking('script') }, () => {
  const kube = useKube()
  before(async () => {
    await kube.play('io', MANIFEST)
  })

  /** Runs a shell's line in which `EXEC` stands for `kube exec`. */
  function shell(line: string): string {
    const words = kube.commandLine(['exec']).join(' ')
    const { stdout, error } = spawnSync('sh', ['-c', line.replaceAll('EXEC', words)], {
      cwd: kube.directory,
      encoding: 'utf8',
      timeout: 60_000,
    })
    if (error) throw error
    return stdout
  }

  test('files of the caller are not in the hands of the command', () => {
    kube.file('given', 'original\n')
    shell("EXEC -i io -c main -- sh -c 'echo overwritten > /proc/self/fd/0' < given")
    assert.equal(readFileSync(`${kube.directory}/given`, 'utf8'), 'original\n')
    kube.file('log', '')
    shell(`EXEC -i io -c main -- sh -c '${DESCRIPTORS}' < given >> log`)
    assert.match(readFileSync(`${kube.directory}/log`, 'utf8'), PIPES)
    assert.match(shell(`EXEC io -c main -- sh -c '${DESCRIPTORS}' 2>&1`), PIPES)
  })

  test('nor is the terminal', async () => {
    const line = ['exec', '-i', 'io', '-c', 'main', '--', 'sh', '-c', `'${DESCRIPTORS}'`]
    const { stdout } = await kube.startOnTerminal(line).ended
    assert.doesNotMatch(stdout, /pts|dev/)
    assert.match(stdout.replaceAll('\r', ''), /pipe:\[\d+\]\npipe:\[\d+\]\npipe/)
    // With a terminal of its own, that is the container's.
    const own = [
      'exec',
      '-it',
      'io',
      '-c',
      'main',
      '--',
      'sh',
      '-c',
      "'stat -c %D /dev/pts; stat -L -c %D /proc/self/fd/0; read key'",
    ]
    const typing = kube.startOnTerminal(own)
    await typing.says(/\w+\r*\n\w+\r*\n/)
    typing.type('\r')
    const [inside, stream] = (await typing.ended).stdout.replaceAll('\r', '').split('\n')
    assert.equal(stream, inside)
  })

  test("the machine's /dev/null is not what a command without -i reads", async () => {
    const { uid, gid, mode } = statSync('/dev/null')
    assert.equal(await kube.ok(['exec', 'io', '-c', 'user', '--', 'sh', '-c', 'id -u; cat']), '1234\n')
    const after = statSync('/dev/null')
    assert.deepEqual([after.uid, after.gid, after.mode], [uid, gid, mode])
    // Of one's own standard output another one can be opened, as servers do that log to /dev/stdout.
    assert.equal(await kube.ok(['exec', 'io', '-c', 'user', '--', 'sh', '-c', 'echo again > /dev/stdout']), 'again\n')
  })

  test('what is written and read is the same, byte for byte', () => {
    const bytes = randomBytes(3_000_000)
    const path = kube.file('bytes', bytes)
    const command = kube.commandLine(['exec', '-i', 'io', '-c', 'main', '--', 'cat'])
    const piped = execFileSync(command[0]!, command.slice(1), { input: bytes, maxBuffer: bytes.length * 2 })
    assert.ok(piped.equals(bytes))
    shell('EXEC -i io -c main -- cat < bytes > copied')
    assert.ok(readFileSync(`${kube.directory}/copied`).equals(readFileSync(path)))
  })

  test('both outputs stay apart, or in their order where they go to one place', () => {
    const script = 'for n in 1 2 3; do echo out $n; echo err $n >&2; done'
    assert.equal(shell(`EXEC io -c main -- sh -c '${script}' 2> /dev/null`), 'out 1\nout 2\nout 3\n')
    assert.equal(shell(`EXEC io -c main -- sh -c '${script}' 2>&1 > /dev/null`), 'err 1\nerr 2\nerr 3\n')
    assert.equal(shell(`EXEC io -c main -- sh -c '${script}' 2>&1`), 'out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n')
  })

  test('all output comes, and no more is waited for than the command has written', () => {
    const held = shell("EXEC io -c main -- sh -c 'sleep 1000 & head -c 2000000 /dev/zero; echo end' | tail -c 4")
    assert.equal(held, 'end\n')
    // One that goes on writing is not waited for either.
    assert.match(shell("EXEC io -c main -- sh -c 'yes & sleep 0.1; echo' | tail -c 2"), /\n$/)
    // A reader that takes its time gets all of it.
    assert.equal(shell('EXEC io -c main -- head -c 3000000 /dev/zero | (sleep 0.3; wc -c)').trim(), '3000000')
  })

  test('a reader that goes ends the command that writes, as in a pipeline', () => {
    assert.equal(shell('(EXEC io -c main -- yes; echo $? >&2) 2> status | head -n 1'), 'y\n')
    assert.equal(readFileSync(`${kube.directory}/status`, 'utf8'), '141\n')
    // A command that does not read its input does not keep the writer of that.
    assert.equal(shell('yes | EXEC -i io -c main -- head -n 1'), 'y\n')
  })

  test('a reader that never reads does not keep it from being ended', async () => {
    const [program = '', ...args] = kube.commandLine(['exec', 'io', '-c', 'main', '--', 'yes'])
    // Nobody takes anything out of this pipe.
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(child, 'exit')
    await once(child.stdout, 'readable')
    await eventually(() => {
      // The first ends the command, the second does without what it wrote.
      child.kill('SIGTERM')
      assert.ok(child.exitCode !== null || child.signalCode !== null)
    })
    await ended
    child.stdout.destroy()
    await eventually(async () =>
      assert.doesNotMatch(await kube.ok(['exec', 'io', '-c', 'main', '--', 'ps']), /\d yes$/m),
    )
  })

  test('a file that cannot take the output is told', async () => {
    assert.match(shell('EXEC io -c main -- echo much 2>&1 > /dev/full'), /ENOSPC/)
    assert.equal(shell('EXEC io -c main -- nope 2>&1; echo $?').split('\n').at(-2), '127')
  })
})
