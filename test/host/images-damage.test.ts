/** An image store that lost something: its index, layers, what killed commands were making. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { damageOfStore, repairIndex } from '../../src/host/images/damage.ts'
import { openImageStore } from '../../src/host/images/store.ts'
import { dockerArchive } from '../support/image-archive.ts'
import { lacking } from '../support/need.ts'
import { tarOf } from '../support/tar-writer.ts'
import { TemporaryStore } from '../support/temporary-store.ts'

const PAGE = 4096

describe('a damaged image store', { skip: lacking() }, () => {
  const below = tarOf([{ path: 'below', data: 'x' }])
  const archive = dockerArchive([
    { layers: [below, tarOf([{ path: 'one', data: '1' }])], tags: ['one:1', 'one:latest'] },
    { layers: [below, tarOf([{ path: 'two', data: '2' }])], tags: ['two:1'] },
  ])

  async function filled(): Promise<TemporaryStore> {
    const temporary = new TemporaryStore()
    await temporary.store.load(temporary.file(archive))
    temporary.store.tag('two:1', 'again:1')
    await temporary.store.remove('one:latest', { inUse: () => false })
    return temporary
  }

  /** In an index that nobody has open, without its log: SQLite brings that into it when the last one closes. */
  const kinds: Readonly<Record<string, (index: string) => void>> = {
    'of no bytes': index => truncateSync(index),
    'of random bytes': index => writeFileSync(index, Buffer.alloc(3 * PAGE, 'damage')),
    'cut short': index => truncateSync(index, statSync(index).size / 2),
    'without its middle': index => {
      const fd = openSync(index, 'r+')
      for (let at = PAGE; at < statSync(index).size; at += PAGE) writeSync(fd, Buffer.alloc(PAGE, 0xa5), 0, PAGE, at)
      closeSync(fd)
    },
    'that is a directory': index => {
      rmSync(index)
      mkdirSync(join(index, 'sub'), { recursive: true })
    },
    'that is gone': index => rmSync(index),
    'with a directory for its log': index => mkdirSync(`${index}-wal`),
  }

  for (const [kind, damage] of Object.entries(kinds)) {
    test(`an index ${kind} is made anew from what is on the disk`, async () => {
      using temporary = await filled()
      const before = temporary.store.list()
      assert.equal(before.length, 2)
      temporary.store.close()
      damage(join(temporary.root, 'images/index.db'))
      assert.notEqual(damageOfStore(temporary.root)?.index, undefined)
      const store = openImageStore(temporary.root)
      try {
        assert.deepEqual(
          store.find('one:1'),
          before.find(({ references }) => references.includes('docker.io/library/one:1')),
        )
        assert.deepEqual(store.list(), before)
        assert.equal(store.find('one:latest'), undefined)
        for (const image of before) assert.equal(store.lowerDirs(image).names.length, 2)
        // And it is as good as before.
        store.tag('one:1', 'new:1')
        assert.deepEqual(await store.prune(), { freedBytes: 0 })
      } finally {
        store.close()
      }
      assert.deepEqual(damageOfStore(temporary.root), { images: [] })
    })
  }

  test('who has the index open goes on with the new one', async () => {
    using temporary = await filled()
    const other = openImageStore(temporary.root)
    try {
      const before = other.list()
      const index = join(temporary.root, 'images/index.db')
      for (const suffix of ['', '-wal', '-shm']) rmSync(`${index}${suffix}`, { force: true })
      await temporary.store.load(temporary.file(dockerArchive([{ layers: [below], tags: ['three:1'] }])))
      assert.equal(other.find('three:1')?.layers.length, 1)
      assert.equal(other.list().length, before.length + 1)
    } finally {
      other.close()
    }
  })

  test('of several processes that meet the damage at once, one makes it anew', async () => {
    using temporary = await filled()
    const ids = temporary.store.list().map(({ id }) => id)
    temporary.store.close()
    const index = join(temporary.root, 'images/index.db')
    writeFileSync(index, Buffer.alloc(2 * PAGE, 'damage'))
    const program = `
      import { openImageStore } from '${new URL('../../src/host/images/store.ts', import.meta.url).href}'
      process.stdout.write(JSON.stringify(openImageStore('${temporary.root}').list().map(({ id }) => id)))`
    const run = promisify(execFile)
    const told = await Promise.all([1, 2, 3].map(() => run(process.execPath, ['--input-type=module', '-e', program])))
    for (const { stdout } of told) assert.deepEqual(JSON.parse(stdout), ids)
    assert.equal(readFileSync(`${index}.damaged`, 'utf8').startsWith('damage'), true)
  })

  test('an index of a newer version is left alone', async () => {
    using temporary = await filled()
    temporary.store.close()
    const db = new DatabaseSync(join(temporary.root, 'images/index.db'))
    db.exec('PRAGMA user_version = 99')
    db.close()
    const store = openImageStore(temporary.root)
    assert.throws(() => store.list(), { code: 'StateTooNew' })
  })

  test('an index that is damaged where nobody looks is found by a check, and repaired', async () => {
    using temporary = await filled()
    temporary.store.close()
    const index = join(temporary.root, 'images/index.db')
    const fd = openSync(index, 'r+')
    writeSync(fd, Buffer.alloc(PAGE, 0xa5), 0, PAGE, statSync(index).size - PAGE)
    closeSync(fd)
    assert.notEqual(damageOfStore(temporary.root)?.index, undefined)
    repairIndex(temporary.root)
    assert.deepEqual(damageOfStore(temporary.root), { images: [] })
    const store = openImageStore(temporary.root)
    assert.equal(store.list().length, 2)
    store.close()
  })

  test('an image whose layers are gone is told, and repaired by loading it again', async () => {
    using temporary = await filled()
    const { store } = temporary
    const layers = join(temporary.root, 'images/l')
    for (const name of readdirSync(layers)) rmSync(join(layers, name), { recursive: true })
    const one = store.find('one:1')!
    assert.throws(() => store.lowerDirs(one), {
      code: 'ImageDamaged',
      message: /image docker\.io\/library\/one:1 is damaged/,
    })
    assert.equal(damageOfStore(temporary.root)?.images.length, 2)
    await store.load(temporary.file(archive))
    assert.deepEqual(damageOfStore(temporary.root), { images: [] })
    const { layersDir, names } = store.lowerDirs(one)
    assert.deepEqual(
      names.map(name => readdirSync(join(layersDir, name)).join()),
      ['one', 'below'],
    )
  })

  test('and of one that was made here, by importing it again; pulling it says so', async () => {
    using temporary = new TemporaryStore()
    const { store } = temporary
    const file = temporary.file(below)
    const image = await store.importRootfs(file, 'made:1')
    rmSync(temporary.topLayer(image), { recursive: true })
    await assert.rejects(store.pull('localhost/made:1'), { code: 'ImageDamaged' })
    const again = await store.importRootfs(file, 'made:1')
    assert.deepEqual(readdirSync(temporary.topLayer(again)), ['below'])
  })

  test('what a killed command was making goes with the next command', async () => {
    using temporary = await filled()
    const base = join(temporary.root, 'images')
    const leave = () => {
      mkdirSync(join(base, 'tmp/0123/0'), { recursive: true })
      for (const name of ['0123', 'layer-0123']) writeFileSync(join(base, 'locks', name), '')
    }
    const isClean = () => assert.deepEqual([...readdirSync(join(base, 'tmp')), ...readdirSync(join(base, 'locks'))], [])
    leave()
    await temporary.import(below)
    isClean()
    leave()
    await temporary.store.remove('two:1', { inUse: () => false })
    await temporary.store.remove('again:1', { inUse: () => false })
    isClean()
  })
})
