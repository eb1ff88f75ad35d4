/** Files of unknown origin: nobody waits in open(2) for them, and no link leads out of where they should be. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { causeChain } from '../../src/diagnostic.ts'
import { readSeccompProfile } from '../../src/host/runtime/seccomp-file.ts'
import { readRegularFile } from '../../src/host/sys/regular-file.ts'
import { eventually } from '../support/eventually.ts'
import { type Blob, ociImage, ociIndex, type TestImage } from '../support/image-archive.ts'
import { KUBE } from '../support/instance.ts'
import { lacking } from '../support/need.ts'
import { RunningCommand } from '../support/running-command.ts'
import { tarOf } from '../support/tar-writer.ts'
import { TemporaryStore } from '../support/temporary-store.ts'

const IMAGE: TestImage = { layers: [tarOf([{ path: 'one', data: '1' }])] }

describe('files of unknown origin', { skip: lacking() }, () => {
  function layout(directory: string): readonly Blob[] {
    const { manifest, blobs } = ociImage(IMAGE, tar => tar)
    const index = ociIndex([{ manifest, annotations: { 'org.opencontainers.image.ref.name': 'localhost/f:1' } }])
    mkdirSync(join(directory, 'blobs/sha256'), { recursive: true })
    for (const { digest, bytes } of [manifest, ...blobs]) writeFileSync(blobAt(directory, digest), bytes)
    writeFileSync(join(directory, 'index.json'), index.bytes)
    writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    return [manifest, ...blobs]
  }
  const blobAt = (directory: string, digest: string) => join(directory, 'blobs/sha256', digest.slice(7))

  /** What can be in a file's place. */
  const places: Readonly<Record<string, readonly [(path: string) => void, RegExp]>> = {
    'a FIFO': [path => execFileSync('mkfifo', [path]), /is no regular file/],
    'a device': [path => execFileSync('mknod', [path, 'c', '1', '5']), /is no regular file/],
    'a directory': [path => mkdirSync(path), /is no regular file/],
    'a socket': [
      path => execFileSync('python3', ['-c', `import socket; socket.socket(socket.AF_UNIX).bind("${path}")`]),
      /is no regular file/,
    ],
    'a link to a file elsewhere': [path => symlinkSync('/etc/passwd', path), /is a link out of the directory/],
    'a link upwards': [path => symlinkSync('../../../outside', path), /is a link out of the directory/],
    'a link to itself': [path => symlinkSync(path.split('/').at(-1)!, path), /is a link that leads nowhere/],
  }
  for (const [what, [make, words]] of Object.entries(places)) {
    for (const [which, blob] of [
      ['manifest', 0],
      ['config', 1],
      ['layer', 2],
    ] as const) {
      test(`load refuses ${what} as a ${which}`, async () => {
        using temporary = new TemporaryStore()
        const directory = join(temporary.directory, 'oci')
        const path = blobAt(directory, layout(directory)[blob]!.digest)
        renameSync(path, join(temporary.directory, 'outside'))
        make(path)
        await assert.rejects(temporary.store.load(directory), (error: unknown) => words.test(causeChain(error)))
        assert.deepEqual(temporary.store.list(), [])
      })
    }
  }

  test('load follows links within the directory', async () => {
    using temporary = new TemporaryStore()
    const directory = join(temporary.directory, 'oci')
    const path = blobAt(directory, layout(directory)[2]!.digest)
    renameSync(path, join(directory, 'layer'))
    symlinkSync('../../layer', path)
    assert.equal((await temporary.store.load(directory)).length, 1)
  })

  test('a seccomp profile that is no file is refused at once', () => {
    const directory = mkdtempSync(join(tmpdir(), 'kube-untrusted-'))
    try {
      execFileSync('mkfifo', [join(directory, 'fifo')])
      assert.throws(() => readSeccompProfile(join(directory, 'fifo')), { code: 'NotAFile' })
      assert.throws(() => readRegularFile(directory), { code: 'NotAFile' })
      assert.equal(readRegularFile('/proc/self/comm'), readFileSync('/proc/self/comm', 'utf8'))
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  /** The command by bash, in a directory with `layer.tar.gz`, `oci.tar` and a FIFO that nobody writes to. */
  async function inShell(line: string, body: (command: RunningCommand) => Promise<void>): Promise<void> {
    using temporary = new TemporaryStore()
    const { directory, root } = temporary
    writeFileSync(join(directory, 'layer.tar'), IMAGE.layers[0]!)
    execFileSync('gzip', ['-k', join(directory, 'layer.tar')])
    layout(join(directory, 'oci'))
    execFileSync('tar', ['-C', join(directory, 'oci'), '-cf', join(directory, 'oci.tar'), '.'])
    execFileSync('mkfifo', [join(directory, 'fifo')])
    const kube = `${KUBE} --root ${root} --runroot ${directory}/run`
    await body(
      new RunningCommand(['bash', '-c', line.replaceAll('KUBE', kube)], {
        cwd: directory,
        env: process.env,
        timeoutMs: 60_000,
      }),
    )
  }

  for (const line of [
    'KUBE import <(zcat layer.tar.gz) a:1',
    'zcat layer.tar.gz | KUBE import /dev/stdin a:1',
    'KUBE import /dev/stdin a:1 < layer.tar.gz',
    'cat layer.tar > fifo & KUBE import fifo a:1; wait',
    'KUBE load -i <(cat oci.tar)',
    'cat oci.tar | KUBE load -i /dev/stdin',
    'cat oci.tar > fifo & KUBE load -i fifo; wait',
    'KUBE validate <(echo "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")',
  ]) {
    test(line, () =>
      inShell(line, async ({ ended }) => {
        const { status, stderr } = await ended
        assert.equal(status, 0, stderr)
      }),
    )
  }

  test('a pipe with nothing in it is told as such', () =>
    inShell('KUBE import <(true) a:1', async ({ ended }) => {
      const { status, stderr } = await ended
      assert.equal(status, 1, stderr)
    }))

  for (const line of ['import fifo a:1', 'load -i fifo', 'play fifo', 'validate fifo', 'down fifo']) {
    test(`a signal ends kube ${line}, which nobody writes to`, () =>
      inShell(`exec KUBE ${line}`, async command => {
        await eventually(() => {
          const isOpen = command.openFiles().some(path => path.endsWith('/fifo'))
          assert.ok(isOpen || command.waitsForPartner || !command.isRunning)
        })
        command.signal('SIGTERM')
        const { status } = await command.ended
        assert.equal(status, 143)
      }))
  }

  test('a socket on the command line is refused', async () => {
    using temporary = new TemporaryStore()
    const path = join(temporary.directory, 'socket')
    const server = createServer().listen(path)
    try {
      await new Promise(resolve => server.once('listening', resolve))
      await assert.rejects(temporary.store.load(path), { code: 'NotAFile' })
    } finally {
      server.close()
    }
  })
})
