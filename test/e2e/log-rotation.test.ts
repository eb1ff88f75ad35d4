/** Long logs: new files are begun, a bounded number is kept, and reading goes across all of them. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { useKube } from '../support/kube.ts'
import { podManifest } from '../support/manifests.ts'
import { cannotRunPods } from '../support/need.ts'

const MIB = 1024 * 1024
/** So many lines of a number each come to 13 MiB. */
const LINES = 250_000
const WAIT = 'next() { until [ -e /go$1 ]; do usleep 20000; done; }'

suite('rotation of logs', { skip: cannotRunPods }, () => {
  const kube = useKube()

  interface File {
    readonly name: string
    readonly inode: number
    readonly size: number
  }

  /** The file that is written to. */
  async function logOf(pod: string): Promise<string> {
    const uid = (await kube.ok(['get', 'pod', pod, '-o', 'jsonpath={.metadata.uid}'])).trim()
    return `${kube.root}/pods/${uid}/logs/main/0.log`
  }

  async function files(pod: string): Promise<readonly File[]> {
    const directory = dirname(await logOf(pod))
    return readdirSync(directory)
      .filter(name => /^\d+\.log(\.\d+)?$/.test(name))
      .map(name => {
        const { ino, size } = statSync(join(directory, name))
        return { name, inode: ino, size }
      })
  }

  const bytes = (all: readonly File[]) =>
    [...new Map(all.map(({ inode, size }) => [inode, size])).values()].reduce((sum, size) => sum + size, 0)

  const last = async (pod: string) => (await kube.ok(['logs', pod, '--tail=1'])).trim()

  function assertSequence(text: string, from: number, to: number): void {
    const numbers = text.trimEnd().split('\n').map(Number)
    assert.deepEqual([numbers[0], numbers.at(-1), numbers.length], [from, to, to - from + 1])
    assert.ok(numbers.every((number, index) => number === from + index))
  }

  test('every command that looks at pods has long logs begun anew; nothing is lost', async () => {
    const rounds = [0, 1, 2, 3, 4, 5]
    const script = rounds
      .map(n => `${n === 0 ? WAIT : `next ${n}`}; seq ${n * LINES + 1} ${(n + 1) * LINES}`)
      .join('; ')
    await kube.play('talker', podManifest('talker', [{ script: `${script}; next 9; echo end` }]))
    const followed = kube.ok(['logs', '-f', 'talker'])
    for (const round of rounds) {
      if (round > 0) await kube.ok(['exec', 'talker', '--', 'touch', `/go${round}`])
      await eventually(async () => assert.equal(await last('talker'), `${(round + 1) * LINES}`))
      // The command before may have seen the last line and left before it was a reason to rotate.
      await kube.ok(['get', 'pods'])
      if (round === 2) {
        assertSequence(await kube.ok(['logs', 'talker']), 1, 3 * LINES)
        const tail = LINES + 10
        assertSequence(await kube.ok(['logs', 'talker', `--tail=${tail}`]), 3 * LINES - tail + 1, 3 * LINES)
      }
    }
    const kept = await files('talker')
    assert.ok(bytes(kept) >= 40 * MIB && bytes(kept) < 60 * MIB, `${bytes(kept)} bytes are kept`)
    // The first line may have begun in a file that is gone.
    const rest = (await kube.ok(['logs', 'talker'])).replace(/^.*\n/, '')
    assertSequence(rest, Number(/^.*/.exec(rest)![0]), rounds.length * LINES)
    await kube.ok(['exec', 'talker', '--', 'touch', '/go9'])
    const text = await followed
    assert.ok(text.endsWith('\nend\n'))
    assertSequence(text.slice(0, -4), 1, 6 * LINES)
  })

  test('where nobody looks the monitor begins another file itself', async () => {
    const lines = 1_300_000
    await kube.play('alone', podManifest('alone', [{ script: `${WAIT}; next 0; seq 1 ${lines}; sleep 1000` }]))
    const log = await logOf('alone')
    await kube.ok(['exec', 'alone', '--', 'touch', '/go0'])
    // Looks at the file only: a command would have another one begun.
    await eventually(() => assert.match(readFileSync(log).subarray(-20).toString(), new RegExp(` ${lines}\n$`)), 60_000)
    assert.ok(statSync(log).size <= 50 * MIB && statSync(`${log}.1`).size <= 50 * MIB)
    assert.notEqual(statSync(log).ino, statSync(`${log}.1`).ino)
    assertSequence(await kube.ok(['logs', 'alone']), 1, lines)
  })

  test('the supervisor does it while it lives', async () => {
    const probe = { livenessProbe: { exec: { command: ['true'] }, periodSeconds: 60 } }
    await kube.play('watched', podManifest('watched', [{ script: `seq 1 ${LINES}; sleep 1000`, ...probe }]))
    const log = await logOf('watched')
    await eventually(() => assert.ok(existsSync(`${log}.2`), 'the log was not begun anew'))
    assertSequence(await kube.ok(['logs', 'watched']), 1, LINES)
  })

  test('a size of its own: one file, as podman has it', async () => {
    const manifest = podManifest('small', [{ script: `seq 1 ${LINES}; echo end; sleep 1000` }])
    await kube.ok(['play', '--app', 'small', '--log-opt', 'max-size=1mb', '-'], { input: manifest })
    await eventually(async () => assert.equal(await last('small'), 'end'))
    const kept = await files('small')
    assert.deepEqual(
      kept.map(({ name }) => name),
      ['0.log'],
    )
    assert.ok(bytes(kept) <= MIB)
  })
})
