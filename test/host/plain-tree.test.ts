/** What a copy out of a container makes of an archive: the container may have written anything into it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { after, suite, test } from 'node:test'
import { PlainTree } from '../../src/host/images/unpack/plain-tree.ts'
import { TarReader } from '../../src/host/images/unpack/tar-reader.ts'
import { type TarWriterEntry, tarEntry, tarOf } from '../support/tar-writer.ts'

suite('a copied tree', () => {
  const top = mkdtempSync('/tmp/kube-test-')
  after(() => rmSync(top, { recursive: true, force: true }))
  let count = 0

  /** Unpacks it as `data` two levels down; what was left out, and the directory. */
  function unpack(archive: Uint8Array): { readonly directory: string; readonly skipped: readonly string[] } {
    const directory = `${top}/${count++}/scratch`
    mkdirSync(directory, { recursive: true })
    const skipped: string[] = []
    using tree = new PlainTree({ directory, name: 'data', onSkip: (path, what) => skipped.push(`${path}: ${what}`) })
    const reader = new TarReader(tree)
    // In pieces, as a pipe brings it.
    for (let at = 0; at < archive.length; at += 1000) reader.push(archive.subarray(at, at + 1000))
    reader.finish()
    tree.finish()
    return { directory, skipped }
  }

  const made = (directory: string) =>
    execFileSync('find', ['..', '-mindepth', '1', '-printf', '%y %m %P %l\n'], { cwd: directory, encoding: 'utf8' })
      .split('\n')
      .map(line => line.trim())
      .filter(line => line !== '' && !/^d \d+ scratch$/.test(line))
      .sort()

  const symlink = (path: string, linkPath: string): TarWriterEntry => ({ path, flag: '2', linkPath })

  test('holds files, directories and links that stay in it', () => {
    const { directory, skipped } = unpack(
      tarOf([
        { path: './data/' },
        { path: './data/sub/', mode: 0o555 },
        { path: './data/sub/run', data: '#!/bin/sh\n', mode: 0o4777 },
        { path: 'data/hard', flag: '1', linkPath: 'data/sub/run' },
        symlink('data/link', 'sub/run'),
        symlink('data/sub/up', '../hard'),
        symlink('data/dangling', 'sub/nothing'),
        { path: 'data/left/out/parents', data: 'x' },
      ]),
    )
    assert.deepEqual(skipped, [])
    assert.deepEqual(made(directory), [
      'd 555 scratch/data/sub',
      'd 755 scratch/data',
      'd 755 scratch/data/left',
      'd 755 scratch/data/left/out',
      'f 644 scratch/data/left/out/parents',
      'f 755 scratch/data/hard',
      'f 755 scratch/data/sub/run',
      'l 777 scratch/data/dangling sub/nothing',
      'l 777 scratch/data/link sub/run',
      'l 777 scratch/data/sub/up ../hard',
    ])
    assert.equal(statSync(`${directory}/data/hard`).ino, statSync(`${directory}/data/sub/run`).ino)
  })

  test('has no devices, FIFOs, and no links that lead elsewhere', () => {
    const { directory, skipped } = unpack(
      tarOf([
        { path: 'data/' },
        { path: 'data/disk', flag: '4', devMajor: 8, mode: 0o666 },
        { path: 'data/null', flag: '3', devMajor: 1, devMinor: 3 },
        { path: 'data/fifo', flag: '6' },
        { path: 'data/passwd', flag: '1', linkPath: '/etc/passwd' },
        { path: 'data/shadow', flag: '1', linkPath: 'data/../../../etc/shadow' },
        { path: 'data/nothing', flag: '1', linkPath: 'data/missing' },
        symlink('data/absolute', '/etc'),
        symlink('data/out', '../..'),
        symlink('data/self', 'self'),
        // Each for itself stays inside; followed by the kernel, the second leads out.
        { path: 'data/a/b/' },
        symlink('data/a/b/home', '../..'),
        symlink('data/a/b/away', 'home/..'),
        // Neither is anything made by way of a link.
        symlink('data/a/b/away/planted', 'target'),
        { path: 'data/absolute/file', data: 'x' },
      ]),
    )
    assert.deepEqual(made(directory), [
      'd 755 scratch/data',
      'd 755 scratch/data/a',
      'd 755 scratch/data/a/b',
      'd 755 scratch/data/absolute',
      'f 644 scratch/data/absolute/file',
      'l 777 scratch/data/a/b/home ../..',
    ])
    assert.deepEqual([...skipped].sort(), [
      'data/a/b/away/planted: a link to "target"',
      'data/a/b/away: a link to "home/.."',
      'data/absolute: a link to "/etc"',
      'data/disk: a device',
      'data/fifo: a FIFO',
      'data/nothing: a hard link to "data/missing"',
      'data/null: a device',
      'data/out: a link to "../.."',
      'data/passwd: a hard link to "/etc/passwd"',
      'data/self: a link to "self"',
      'data/shadow: a hard link to "data/../../../etc/shadow"',
    ])
  })

  test('a name that was not asked for is refused, in whatever header it comes', () => {
    const far = `data/${'../'.repeat(60)}etc/cron.d/evil`
    for (const entry of [
      { path: '../outside', data: 'x' },
      { path: '/etc/outside', data: 'x' },
      { path: 'data/../../outside', data: 'x' },
      { path: 'other', data: 'x' },
      { path: 'database', data: 'x' },
      { path: far, data: 'x' },
      { path: 'data/fine', data: 'x', pax: { path: '../../outside' } },
      { path: 'data/fine', data: '1\n0\n1\nx', pax: { 'GNU.sparse.name': '/tmp/outside', 'GNU.sparse.realsize': '1' } },
    ]) {
      assert.throws(() => unpack(tarOf([{ path: 'data/' }, entry])), /is not of what was asked for/, entry.path)
    }
    const long = Buffer.concat([
      tarEntry({ path: '././@LongLink', flag: 'L', data: `${'../'.repeat(50)}outside\0` }),
      tarOf([{ path: 'data/fine', data: 'x' }]),
    ])
    assert.throws(() => unpack(long), /is not of what was asked for/)
    assert.throws(
      () => unpack(tarOf([{ path: `data/${'d/'.repeat(3000)}f` }])),
      /is not of what was asked for|too long/,
    )
  })

  test('what is no archive, is cut short or contradicts itself is refused', () => {
    const good = tarOf([{ path: 'data', data: 'x'.repeat(5000) }])
    assert.throws(() => unpack(Buffer.from('garbage '.repeat(200))), /not a tar archive/)
    assert.throws(() => unpack(good.subarray(0, 3000)), /cut short/)
    const file = { path: 'data', data: 'x' }
    assert.throws(() => unpack(tarOf([file, { path: 'data/below', data: 'x' }])), /not a directory/)
    assert.throws(() => unpack(tarOf([file, { path: 'data/' }])), /already as something else/)
    assert.throws(
      () =>
        unpack(
          tarOf([
            { path: 'data/a/', data: '' },
            { path: 'data/a', data: 'x' },
          ]),
        ),
      /already/,
    )
  })

  test('a later entry stands for an earlier one, and writes to nothing that was linked to it', () => {
    const { directory } = unpack(
      tarOf([
        { path: 'data/' },
        { path: 'data/one', data: 'first' },
        { path: 'data/two', flag: '1', linkPath: 'data/one' },
        { path: 'data/one', data: 'second' },
        symlink('data/three', 'one'),
        { path: 'data/three', data: 'third' },
      ]),
    )
    const text = (name: string) => readFileSync(`${directory}/data/${name}`, 'utf8')
    assert.deepEqual([text('one'), text('two'), text('three')], ['second', 'first', 'third'])
  })

  test('names need not be UTF-8, and holes stay holes', () => {
    const { directory } = unpack(
      tarOf([
        { path: 'data/\xff\xfe', data: 'x' },
        { path: 'data/holes', data: 'end', pax: { 'GNU.sparse.size': '1048579', 'GNU.sparse.map': '1048576,3' } },
        symlink('data/\xfd', '\xff\xfe'),
      ]),
    )
    const names = readdirSync(Buffer.from(`${directory}/data`), { encoding: 'buffer' }).map(name =>
      name.toString('latin1'),
    )
    assert.deepEqual(names.sort(), ['holes', '\xfd', '\xff\xfe'])
    const link = Buffer.from(`${directory}/data/\xfd`, 'latin1')
    assert.equal(readlinkSync(link, { encoding: 'buffer' }).toString('latin1'), '\xff\xfe')
    const { size, blocks } = statSync(`${directory}/data/holes`)
    assert.equal(size, 1_048_579)
    assert.ok(blocks * 512 < size)
  })
})
