/** `kube cp` out of containers that send what nobody asked for. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { before, suite, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { IMAGE } from '../support/instance.ts'
import { useKube } from '../support/kube.ts'
import { cannotRunPods } from '../support/need.ts'
import { type TarWriterEntry, tarOf } from '../support/tar-writer.ts'

const MANIFEST = `
apiVersion: v1
kind: Pod
metadata: {name: box}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: ${IMAGE}, command: [sleep, '100000']}
`

suite('copying out of a container', { skip: cannotRunPods }, () => {
  const kube = useKube()
  before(async () => {
    await kube.play('box', MANIFEST)
  })

  /** From now on the container's tar prints this archive, and then does what the script says. */
  async function sends(entries: readonly TarWriterEntry[], then = ''): Promise<void> {
    const archive = Buffer.from(tarOf(entries)).toString('base64')
    const tar = `#!/bin/sh\nbase64 -d <<'E'\n${archive}\nE\n${then}\n`
    const install = 'cat > /tmp/tar; rm -f /bin/tar; mv /tmp/tar /bin/tar; chmod 755 /bin/tar'
    await kube.ok(['exec', '-i', 'box', '--', 'sh', '-c', install], { input: tar })
  }

  let count = 0
  /** An empty directory. */
  function place(): string {
    const path = `${kube.directory}/place-${count++}`
    mkdirSync(path)
    return path
  }

  test('what is no file, directory or harmless link is left out and named, up to a number', async () => {
    const to = place()
    const devices = Array.from({ length: 8 }, (_, n) => ({ path: `data/disk\u001b[${n}`, flag: '4', devMajor: 8 }))
    await sends([{ path: 'data/' }, { path: 'data/file', data: 'good', mode: 0o4755 }, ...devices])
    const { status, stderr } = await kube.run(['cp', 'box:/data', `${to}/data`])
    assert.deepEqual(readdirSync(`${to}/data`), ['file'])
    assert.equal(status, 0)
    assert.deepEqual(stderr.split('\n'), [
      ...Array.from({ length: 5 }, (_, n) => `warning: data/disk^[[${n} is a device: left out`),
      'warning: 3 more were left out',
      '',
    ])
  })

  test('a copy that fails leaves the target as it was, and nothing beside it', async () => {
    const to = place()
    writeFileSync(`${to}/data`, 'as it was')
    for (const [entries, then, message] of [
      [
        [
          { path: 'data', data: 'x' },
          { path: '../outside', data: 'x' },
        ],
        'sleep 0.2',
        /not of what was asked for/,
      ],
      // It would go on for ever.
      [[{ path: '/etc/outside', data: 'x' }], 'exec yes', /not of what was asked for/],
      [[{ path: 'data', data: 'x' }], 'exit 3', /tar ended with status 3/],
      [[{ path: 'data', size: 100_000, data: 'x' }], '', /cut short/],
      [[{ path: 'data', flag: '2', linkPath: '/etc/passwd' }], '', /nothing of \/data that can be copied/],
      [[], '', /nothing of \/data/],
    ] as const) {
      await sends(entries, then)
      const { status, stderr } = await kube.run(['cp', 'box:/data', `${to}/data`])
      assert.equal(status, 1, stderr)
      assert.match(stderr, message)
      assert.deepEqual(readdirSync(to), ['data'])
      assert.equal(readFileSync(`${to}/data`, 'utf8'), 'as it was')
    }
  })

  test('nor does one that is interrupted', async () => {
    const to = place()
    for (const [signal, wanted] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      await sends([{ path: 'data/' }, { path: 'data/file', data: 'x', size: 2 ** 30 }], 'sleep 1000')
      const copying = kube.start(['cp', 'box:/data', `${to}/data`])
      await eventually(() => assert.notDeepEqual(readdirSync(to), []))
      copying.signal(signal)
      assert.equal((await copying.ended).status, wanted)
      assert.deepEqual(readdirSync(to), [])
    }
  })

  test('a file replaces a file, and nothing else', async () => {
    const to = place()
    await sends([{ path: 'data', data: 'new' }])
    writeFileSync(`${to}/old`, 'old')
    await kube.ok(['cp', 'box:/data', `${to}/old`])
    assert.equal(readFileSync(`${to}/old`, 'utf8'), 'new')
    symlinkSync('/dev/null', `${to}/null`)
    const { status, stderr } = await kube.run(['cp', 'box:/data', `${to}/null`])
    assert.equal(status, 1)
    assert.match(stderr, /neither a file nor a directory/)
    assert.equal((await kube.run(['cp', 'box:/', to])).status, 2)
    assert.deepEqual(readdirSync(to).sort(), ['null', 'old'])
  })
})
