/** What layers become on disk, good and hostile ones, looked at with other tools. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { KubeError } from '../../src/diagnostic.ts'
import { Unpacker } from '../../src/host/images/unpack/unpacker.ts'
import { lacking } from '../support/need.ts'
import { type TarWriterEntry, tarEntry, tarOf } from '../support/tar-writer.ts'
import { TemporaryStore } from '../support/temporary-store.ts'

function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8' })
}

describe('unpacking layers', { skip: lacking() }, () => {
  let temporary: TemporaryStore
  before(() => {
    temporary = new TemporaryStore()
  })
  after(() => temporary[Symbol.dispose]())

  const unpack = (...entries: readonly TarWriterEntry[]): Promise<string> => temporary.import(tarOf(entries))

  /** The import fails with this code and leaves nothing: no layer, no staging directory, no lock. */
  async function refuses(bytes: Uint8Array, code: string, reason: RegExp): Promise<void> {
    const base = join(temporary.root, 'images')
    const before = readdirSync(join(base, 'l')).sort()
    await assert.rejects(temporary.import(bytes), (error: unknown) => {
      assert.ok(error instanceof KubeError)
      assert.equal(error.code, code)
      assert.match(String(error.cause instanceof Error ? error.cause.message : error.message), reason)
      return true
    })
    assert.deepEqual(readdirSync(join(base, 'l')).sort(), before)
    assert.deepEqual(readdirSync(join(base, 'tmp')), [])
    assert.deepEqual(readdirSync(join(base, 'locks')), [])
  }

  test('told to stop at any moment, a thread ends, and nothing else does', async () => {
    const tar = gzipSync(tarOf(Array.from({ length: 20 }, (_, i) => ({ path: `${i}`, data: Buffer.alloc(20_000) }))))
    const fd = openSync(temporary.file(tar), 'r')
    await using unpacker = new Unpacker()
    let stopped = 0
    for (let round = 0; round < 30; round++) {
      const unpackAgain = (name: string, signal?: AbortSignal) => {
        const directory = join(temporary.directory, `${name}-${round}`)
        mkdirSync(directory)
        const source = { kind: 'file', fd, offset: 0, length: tar.length } as const
        return unpacker.unpack({ directory, source, hashBlob: true, signal })
      }
      // After this one the thread is there, and waits.
      assert.equal((await unpackAgain('whole')).entries, 20)
      const stop = new AbortController()
      const result = unpackAgain('part', stop.signal)
      const end = performance.now() + round / 10
      while (performance.now() < end) await setImmediate()
      stop.abort()
      await result.catch(() => stopped++)
    }
    closeSync(fd)
    assert.ok(stopped > 0)
  })

  describe('what an archive says is what is there', () => {
    test('types, modes, owners, times and links', async () => {
      const layer = await unpack(
        { path: './', mode: 0o711, mtime: 1_600_000_000 },
        { path: 'etc/', mode: 0o750, uid: 5, gid: 6, mtime: 1_500_000_000 },
        { path: 'etc/conf', data: 'hello\n', mode: 0o640, uid: 1000, gid: 70000, mtime: 1_234_567_890 },
        { path: 'usr/bin/su', data: 'x', mode: 0o4755 },
        { path: 'usr/bin/wall', data: 'x', mode: 0o2755, gid: 5 },
        { path: 'tmp/', mode: 0o1777 },
        { path: 'etc/hard', flag: '1', linkPath: 'etc/conf' },
        { path: 'etc/soft', flag: '2', linkPath: '../usr/bin/su', uid: 7, gid: 8, mtime: 1_111_111_111 },
        { path: 'pipe', flag: '6', mode: 0o622 },
        { path: 'null', flag: '3', devMajor: 1, devMinor: 3, mode: 0o666 },
        { path: 'disk', flag: '4', devMajor: 259, devMinor: 70000, mode: 0o660 },
        { path: 'closed/', mode: 0 },
        { path: 'closed/in', data: '' },
      )
      const listing = run('find', layer, '-printf', '%P|%y|%m|%U:%G|%n|%l|%T@\n')
      const facts = new Map(
        listing
          .trim()
          .split('\n')
          .map(line => [line.split('|')[0], line.split('|').slice(1)]),
      )
      const seconds = (time: number): string => `${time}.0000000000`
      assert.deepEqual(facts.get('')?.slice(0, 3), ['d', '711', '0:0'])
      assert.deepEqual(facts.get('etc'), ['d', '750', '5:6', '2', '', seconds(1_500_000_000)])
      assert.deepEqual(facts.get('etc/conf'), ['f', '640', '1000:70000', '2', '', seconds(1_234_567_890)])
      assert.equal(statSync(join(layer, 'etc/hard')).ino, statSync(join(layer, 'etc/conf')).ino)
      assert.deepEqual(facts.get('usr/bin/su')?.slice(0, 2), ['f', '4755'])
      assert.deepEqual(facts.get('usr/bin/wall')?.slice(0, 3), ['f', '2755', '0:5'])
      assert.deepEqual(facts.get('usr')?.slice(0, 3), ['d', '755', '0:0'])
      assert.deepEqual(facts.get('tmp')?.slice(0, 2), ['d', '1777'])
      assert.deepEqual(facts.get('etc/soft'), ['l', '777', '7:8', '1', '../usr/bin/su', seconds(1_111_111_111)])
      assert.deepEqual(facts.get('pipe')?.slice(0, 2), ['p', '622'])
      assert.deepEqual(facts.get('closed')?.slice(0, 2), ['d', '0'])
      assert.equal(run('stat', '-c', '%F %t:%T %a', join(layer, 'null')), 'character special file 1:3 666\n')
      assert.equal(run('stat', '-c', '%F %Hr:%Lr', join(layer, 'disk')), 'block special file 259:70000\n')
      assert.equal(readFileSync(join(layer, 'etc/conf'), 'utf8'), 'hello\n')
    })

    test('pax: long names, large ids, fractions of a second, names that are not UTF-8', async () => {
      const long = `${'d'.repeat(90)}/${'e'.repeat(90)}/${'f'.repeat(200)}`
      const layer = await temporary.import(
        Buffer.concat([
          tarEntry({ path: long, data: 'deep' }),
          tarEntry({ path: 'link', flag: '2', linkPath: `/${'x'.repeat(150)}` }),
          tarEntry({ path: 'ids', pax: { uid: '3000000', gid: '4294967294', mtime: '1700000000.25' } }),
          tarEntry({ path: Buffer.from([0x66, 0xe9, 0xff]).toString('latin1'), data: 'latin' }),
          tarEntry({ path: 'x', pax: { path: 'grün/ö\nü' }, data: 'utf8' }),
          Buffer.alloc(1024),
        ]),
      )
      assert.equal(readFileSync(join(layer, long), 'utf8'), 'deep')
      assert.equal(readlinkSync(join(layer, 'link')), `/${'x'.repeat(150)}`)
      assert.equal(run('stat', '-c', '%u %g %.2Y', join(layer, 'ids')), '3000000 4294967294 1700000000.25\n')
      assert.equal(readFileSync(Buffer.from(`${layer}/f\xe9\xff`, 'latin1'), 'utf8'), 'latin')
      assert.equal(readFileSync(join(layer, 'grün/ö\nü'), 'utf8'), 'utf8')
    })

    test('GNU tar reads our tree as it was written: long names, sparse files, hard links', async () => {
      const from = join(temporary.directory, 'gnu')
      mkdirSync(join(from, 'n'.repeat(120), 'm'.repeat(120)), { recursive: true })
      writeFileSync(join(from, 'n'.repeat(120), 'm'.repeat(120), 'file'), 'deep')
      run(
        'sh',
        '-c',
        `cd ${from} && truncate -s 64M sparse && printf end | dd of=sparse bs=1 seek=60000000 conv=notrunc status=none && printf start | dd of=sparse conv=notrunc status=none && truncate -s 8M hole && ln sparse again`,
      )
      for (const format of [
        ['--format=gnu'],
        ['--format=posix'],
        ['--format=posix', '--sparse-version=0.1'],
        ['--format=posix', '--sparse-version=0.0'],
      ]) {
        const layer = await temporary.import(
          execFileSync('tar', ['-C', from, '-S', ...format, '-cf', '-', '.'], { maxBuffer: 1 << 26 }),
        )
        assert.equal(run('diff', '-r', from, layer), '', format.join(' '))
        assert.equal(statSync(join(layer, 'sparse')).size, 64 << 20)
        assert.ok(statSync(join(layer, 'sparse')).blocks < 4096, 'the hole is one')
        assert.ok(statSync(join(layer, 'hole')).blocks < 64)
      }
    })

    test('file capabilities and user attributes, byte for byte', { skip: lacking('getcap', 'setcap') }, async () => {
      const source = join(temporary.directory, 'ping')
      writeFileSync(source, '', { mode: 0o755 })
      // CAP_SETUID is bit 7: a byte above 127, which a text decoder would break.
      run('setcap', 'cap_setuid,cap_net_raw=ep', source)
      const from = join(temporary.directory, 'caps')
      mkdirSync(from)
      run('cp', '--preserve=all', source, join(from, 'ping'))
      const layer = await temporary.import(
        execFileSync('tar', ['-C', from, '--xattrs', '--xattrs-include=*', '-cf', '-', '.']),
      )
      assert.equal(run('getcap', join(layer, 'ping')).replace(layer, ''), '/ping cap_setuid,cap_net_raw=ep\n')
    })

    test('later entries replace earlier ones, a directory keeps what is in it', async () => {
      const layer = await unpack(
        { path: 'a', data: 'one' },
        { path: 'a', data: 'two', mode: 0o600 },
        { path: 'dir/' },
        { path: 'dir/kept', data: 'kept' },
        { path: 'dir/', mode: 0o700 },
        { path: 'becomes-file/' },
        { path: 'becomes-file/inner', data: 'gone' },
        { path: 'becomes-file', data: 'file' },
        { path: 'becomes-dir', data: 'gone' },
        { path: 'becomes-dir/' },
        { path: 'becomes-dir/inner', data: 'in' },
        { path: 'link', flag: '2', linkPath: 'dir' },
        { path: 'link/', mode: 0o711 },
        { path: 'self', data: 'self' },
        { path: 'self', flag: '1', linkPath: './self' },
      )
      assert.equal(readFileSync(join(layer, 'a'), 'utf8'), 'two')
      assert.equal(readFileSync(join(layer, 'dir/kept'), 'utf8'), 'kept')
      assert.equal(statSync(join(layer, 'dir')).mode & 0o777, 0o700)
      assert.equal(readFileSync(join(layer, 'becomes-file'), 'utf8'), 'file')
      assert.equal(readFileSync(join(layer, 'becomes-dir/inner'), 'utf8'), 'in')
      assert.ok(lstatSync(join(layer, 'link')).isDirectory())
      assert.equal(readFileSync(join(layer, 'self'), 'utf8'), 'self')
    })

    test('gzip of several members, zstd of several frames, xz', { skip: lacking('xz') }, async () => {
      const tar = tarOf([{ path: 'file', data: 'x'.repeat(100_000) }])
      const half = tar.length >> 1
      const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4])
      const packed = {
        gzip: gzipSync(tar),
        members: Buffer.concat([gzipSync(tar.subarray(0, half)), gzipSync(tar.subarray(half))]),
        zstd: zstdCompressSync(tar),
        frames: Buffer.concat([
          skippable,
          zstdCompressSync(tar.subarray(0, half)),
          skippable,
          zstdCompressSync(tar.subarray(half)),
          skippable,
        ]),
        xz: spawnSync('xz', ['-c'], { input: tar }).stdout,
      }
      for (const [name, bytes] of Object.entries(packed)) {
        const layer = await temporary.import(bytes)
        assert.equal(readFileSync(join(layer, 'file'), 'utf8').length, 100_000, name)
      }
      await refuses(packed.gzip.subarray(0, -20), 'LayerInvalid', /compressed|cut short/)
      await refuses(packed.zstd.subarray(0, -20), 'LayerInvalid', /compressed|cut short/)
      const broken = Buffer.from(packed.gzip)
      broken[broken.length - 6] = broken[broken.length - 6]! ^ 0xff
      await refuses(broken, 'LayerInvalid', /compressed/)
    })
  })

  describe('whiteouts become what overlayfs reads', () => {
    test('a whiteout is a 0/0 character device, an opaque directory has its attribute', async () => {
      const layer = await unpack(
        { path: 'etc/.wh.gone' },
        { path: 'opaque/' },
        { path: 'opaque/new', data: 'new' },
        { path: 'opaque/.wh..wh..opq' },
        { path: 'implied/.wh..wh..opq' },
        { path: '.wh..wh.plnk/1.2', data: '' },
      )
      assert.equal(run('stat', '-c', '%F %t:%T', join(layer, 'etc/gone')), 'character special file 0:0\n')
      const attributes = (path: string): string =>
        run('getfattr', '-h', '-m', '.', '-d', '--absolute-names', join(layer, path))
      assert.match(attributes('opaque'), /trusted\.overlay\.opaque="y"/)
      assert.match(attributes('implied'), /trusted\.overlay\.opaque="y"/)
      assert.deepEqual(readdirSync(join(layer, 'opaque')), ['new'])
      assert.ok(
        !readdirSync(layer).some(name => name.startsWith('.wh.')) || readdirSync(layer).includes('.wh..wh.plnk'),
      )
    })

    test('a whiteout hides only what is below, in whatever order', async () => {
      const layer = await unpack(
        { path: 'file', data: 'mine' },
        { path: '.wh.file' },
        { path: 'before/' },
        { path: 'before/x', data: 'x' },
        { path: '.wh.before' },
        { path: '.wh.after' },
        { path: 'after/' },
        { path: '.wh.then-file' },
        { path: 'then-file', data: 'mine' },
      )
      assert.equal(readFileSync(join(layer, 'file'), 'utf8'), 'mine')
      assert.equal(readFileSync(join(layer, 'then-file'), 'utf8'), 'mine')
      for (const name of ['before', 'after']) {
        assert.ok(lstatSync(join(layer, name)).isDirectory())
        assert.match(run('getfattr', '-n', 'trusted.overlay.opaque', '--absolute-names', join(layer, name)), /="y"/)
      }
    })

    test('the kernel mounts the layers as the image means them', async t => {
      const lower = await unpack(
        { path: 'a/' },
        { path: 'a/old', data: '' },
        { path: 'b', data: '' },
        { path: 'c/' },
        { path: 'c/x', data: '' },
      )
      const upper = await unpack(
        { path: 'a/' },
        { path: 'a/.wh..wh..opq' },
        { path: 'a/new', data: '' },
        { path: '.wh.b' },
        { path: 'c/' },
        { path: 'c/y', data: '' },
      )
      const target = join(temporary.directory, 'merged')
      mkdirSync(target)
      run('mount', '-t', 'overlay', 'overlay', '-o', `lowerdir=${upper}:${lower}`, target)
      t.after(() => run('umount', target))
      assert.equal(run('sh', '-c', `cd ${target} && find . | sort | tr '\\n' ' '`), '. ./a ./a/new ./c ./c/x ./c/y ')
    })

    for (const path of ['.wh...', '.wh..', 'a/.wh.', '.wh..wh..opq/../.wh...']) {
      test(`refuses the whiteout ${path}`, () => refuses(tarOf([{ path }]), 'LayerInvalid', /not a whiteout/))
    }

    test("drops attributes that would steer overlayfs or are this host's", async () => {
      const layer = await unpack({
        path: 'dir/',
        pax: {
          'SCHILY.xattr.trusted.overlay.redirect': '/etc',
          'SCHILY.xattr.trusted.overlay.opaque': 'y',
          'SCHILY.xattr.user.overlay.opaque': 'y',
          'SCHILY.xattr.security.selinux': 'system_u:object_r:x_t:s0',
          'SCHILY.xattr.trusted.mine': 'kept',
        },
      })
      const attributes = run('getfattr', '-h', '-m', '.', '-d', '--absolute-names', join(layer, 'dir'))
      assert.match(attributes, /trusted\.mine="kept"/)
      assert.doesNotMatch(attributes, /overlay|selinux/)
    })
  })

  describe('hostile entries stay inside', () => {
    const outside = (): string => join(temporary.directory, 'outside')
    before(() => {
      mkdirSync(outside())
      writeFileSync(join(outside(), 'secret'), 'untouched', { mode: 0o600 })
    })
    after(() => {
      assert.deepEqual(readdirSync(outside()), ['secret'])
      assert.equal(readFileSync(join(outside(), 'secret'), 'utf8'), 'untouched')
      assert.equal(statSync(join(outside(), 'secret')).mode & 0o777, 0o600)
      assert.equal(existsSync('/kube-escaped'), false)
    })

    test('an absolute name is inside the layer', async () => {
      const layer = await unpack({ path: '/kube-escaped', data: 'x' }, { path: '//double//slash', data: 'x' })
      assert.equal(readFileSync(join(layer, 'kube-escaped'), 'utf8'), 'x')
      assert.equal(readFileSync(join(layer, 'double/slash'), 'utf8'), 'x')
    })

    for (const path of ['../escaped', 'a/../../escaped', '/../escaped', './..', 'a/b/../../..', '..']) {
      test(`refuses ${path}`, () => refuses(tarOf([{ path, data: 'x' }]), 'LayerInvalid', /leads out of the layer/))
    }

    test('dots that stay inside are fine', async () => {
      const layer = await unpack({ path: 'a/' }, { path: 'a/../b', data: 'b' })
      assert.equal(readFileSync(join(layer, 'b'), 'utf8'), 'b')
    })

    test('writing through a symbolic link ends inside', async () => {
      const layer = await unpack(
        { path: 'etc/' },
        { path: 'abs', flag: '2', linkPath: '/etc' },
        { path: 'abs/passwd', data: 'evil' },
        { path: 'up', flag: '2', linkPath: '../../../../../../../../etc' },
        { path: 'up/shadow', data: 'evil' },
      )
      assert.equal(readFileSync(join(layer, 'etc/passwd'), 'utf8'), 'evil')
      assert.equal(readFileSync(join(layer, 'etc/shadow'), 'utf8'), 'evil')
      assert.doesNotMatch(readFileSync('/etc/passwd', 'utf8'), /evil/)
    })

    test('a symbolic link to a file outside is replaced, not written through', async () => {
      const secret = join(outside(), 'secret')
      const layer = await unpack({ path: 'x', flag: '2', linkPath: secret }, { path: 'x', data: 'evil', mode: 0o777 })
      assert.equal(readFileSync(join(layer, 'x'), 'utf8'), 'evil')
    })

    test('a directory through a link to a directory outside does not exist', () =>
      refuses(
        tarOf([
          { path: 'out', flag: '2', linkPath: outside() },
          { path: 'out/evil', data: 'evil' },
        ]),
        'LayerInvalid',
        /not in the layer/,
      ))

    test('/proc of the host is not there', () =>
      refuses(
        tarOf([
          { path: 'p', flag: '2', linkPath: '/proc/self/root' },
          { path: 'p/evil', data: 'evil' },
        ]),
        'LayerInvalid',
        /not in the layer/,
      ))

    for (const linkPath of ['../../../../etc/passwd', '/etc/passwd', 'nothing', 'etc/../../outside/secret']) {
      test(`refuses a hard link to ${linkPath}`, () =>
        refuses(tarOf([{ path: 'hard', flag: '1', linkPath }]), 'LayerInvalid', /not in the layer|leads out/))
    }

    test('a hard link through a symbolic link stays inside', () =>
      refuses(
        tarOf([
          { path: 'out', flag: '2', linkPath: outside() },
          { path: 'hard', flag: '1', linkPath: 'out/secret' },
        ]),
        'LayerInvalid',
        /not in the layer/,
      ))

    test('a hard link to a symbolic link is one to the link', async () => {
      const layer = await unpack(
        { path: 'soft', flag: '2', linkPath: join(outside(), 'secret') },
        { path: 'hard', flag: '1', linkPath: 'soft' },
        { path: 'hard', data: 'evil' },
      )
      assert.equal(readFileSync(join(layer, 'hard'), 'utf8'), 'evil')
      assert.equal(readlinkSync(join(layer, 'soft')), join(outside(), 'secret'))
    })

    test("the root's entry sets its attributes and nothing else replaces it", async () => {
      const layer = await unpack({ path: '/', mode: 0o500, uid: 3, mtime: 1_000_000 })
      assert.equal(run('stat', '-c', '%a %u %Y', layer), '500 3 1000000\n')
      for (const entry of [
        { path: './', flag: '0' },
        { path: '.', flag: '0', data: 'x' },
        { path: '/', flag: '2', linkPath: '/etc' },
        { path: 'a/..', flag: '3', devMajor: 1, devMinor: 1 },
      ]) {
        const result = temporary.import(tarOf([entry]))
        if (entry.path === './') assert.ok(lstatSync(await result).isDirectory())
        else await assert.rejects(result, { code: 'LayerInvalid' })
      }
    })

    test('times of directories are not set through a link that took their place', async () => {
      const before = statSync(outside()).mtimeMs
      await unpack({ path: 'd/', mtime: 1 }, { path: 'd', flag: '2', linkPath: outside() })
      assert.equal(statSync(outside()).mtimeMs, before)
    })

    test('a sparse file of a petabyte takes no space or is refused', async () => {
      const map = {
        'GNU.sparse.major': '0',
        'GNU.sparse.minor': '1',
        'GNU.sparse.realsize': String(2 ** 50),
        'GNU.sparse.map': '0,1',
      }
      const bytes = tarOf([{ path: 'huge', data: 'x', pax: map }])
      await temporary.import(bytes).then(
        layer => assert.ok(lstatSync(join(layer, 'huge')).blocks <= 8),
        error => assert.equal(error.code, 'LayerInvalid'),
      )
    })

    for (const [what, pax] of [
      ['overlapping pieces', { 'GNU.sparse.realsize': '10', 'GNU.sparse.map': '5,5,0,5' }],
      ['pieces past the end', { 'GNU.sparse.realsize': '10', 'GNU.sparse.map': '5,50' }],
      ['numbers beyond all bounds', { 'GNU.sparse.realsize': '10', 'GNU.sparse.map': '99999999999999999999,1' }],
    ] as const) {
      test(`refuses a sparse map with ${what}`, () =>
        refuses(tarOf([{ path: 'f', data: 'xxxxxxxxxx', pax }]), 'LayerInvalid', /sparse map/))
    }

    test('directories nested deeper than any path can say are removed again', async () => {
      const step = `${'d'.repeat(200)}/`.repeat(15)
      const entries: TarWriterEntry[] = [{ path: step }]
      for (let i = 0; i < 6; i++) {
        entries.push({ path: `jump${i}`, flag: '2', linkPath: `${i === 0 ? '' : `jump${i - 1}/`}${step}` })
        entries.push({ path: `jump${i}/${step}` })
      }
      await refuses(tarOf([...entries, { path: '../end', data: '' }]), 'LayerInvalid', /leads out/)
    })
  })

  describe('what is no layer is refused with its reason', () => {
    const good = tarOf([{ path: 'file', data: 'x'.repeat(2000) }])
    for (const [what, bytes, reason] of [
      ['a text', Buffer.from('hello '.repeat(200)), /not a tar archive/],
      ['an empty file', Buffer.alloc(0), /empty/],
      ['random bytes', Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) % 251)), /not a tar archive/],
      ['a cut archive', good.subarray(0, 1500), /cut short/],
      ['half a header', Buffer.concat([tarEntry({ path: 'a' }), good.subarray(0, 100)]), /cut short/],
      ['a negative size', tarOf([{ path: 'a', pax: { size: '-5' } }]), /size/],
      ['a size beyond all bounds', tarOf([{ path: 'a', pax: { size: '1'.repeat(30) } }]), /size/],
      ['a broken pax header', Buffer.concat([tarEntry({ path: 'x', flag: 'x', data: '999 path=a\n' }), good]), /pax/],
      [
        'a pax header without end',
        Buffer.concat([tarEntry({ path: 'x', flag: 'x', data: '10 path=a\n' })]),
        /cut short/,
      ],
      ['an unknown type', tarOf([{ path: 'a', flag: 'M' }]), /unknown type/],
      ['a NUL in a name', tarOf([{ path: 'a', pax: { path: 'a\0b' } }]), /NUL/],
      ['a name too long', tarOf([{ path: 'a'.repeat(300) }]), /too long/],
      ['a path too long', tarOf([{ path: 'a/'.repeat(3000) }]), /longer/],
      [
        'a file under a file',
        tarOf([
          { path: 'a', data: '' },
          { path: 'a/b', data: '' },
        ]),
        /not a directory/,
      ],
      [
        'a loop of links',
        tarOf([
          { path: 'a', flag: '2', linkPath: 'b' },
          { path: 'b', flag: '2', linkPath: 'a' },
          { path: 'a/c', data: '' },
        ]),
        /symbolic links/,
      ],
      ['an owner out of range', tarOf([{ path: 'a', pax: { uid: '99999999999' } }]), /owner/],
    ] as const) {
      test(what, () => refuses(bytes, 'LayerInvalid', reason))
    }
  })

  test('a full disk is NoSpace and leaves nothing', async t => {
    const small = join(temporary.directory, 'small')
    mkdirSync(small)
    run('mount', '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small)
    const { openImageStore } = await import('../../src/host/images/store.ts')
    const store = openImageStore(small)
    t.after(() => {
      store.close()
      run('umount', small)
    })
    const path = temporary.file(tarOf([{ path: 'big', data: Buffer.alloc(8 << 20) }]))
    store.list()
    const free = (): string => run('df', '--output=used,iused', small)
    const before = free()
    await assert.rejects(store.importRootfs(path, 'big:1'), { code: 'NoSpace' })
    assert.deepEqual(readdirSync(join(small, 'images/tmp')), [])
    assert.deepEqual(readdirSync(join(small, 'images/l')), [])
    assert.equal(free(), before)
    assert.deepEqual(store.list(), [])
  })
})
