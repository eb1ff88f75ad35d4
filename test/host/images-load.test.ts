/** Loading what other tools save: skopeo's archives, docker's old and new ones, OCI layouts. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { causeChain, KubeError } from '../../src/diagnostic.ts'
import {
  type Blob,
  blobOf,
  configOf,
  dockerArchive,
  ociImage,
  ociIndex,
  sha256,
  type TestImage,
} from '../support/image-archive.ts'
import { lacking } from '../support/need.ts'
import { tarOf } from '../support/tar-writer.ts'
import { TemporaryStore } from '../support/temporary-store.ts'

const IMAGE: TestImage = {
  layers: [tarOf([{ path: 'etc/' }, { path: 'etc/one', data: '1' }]), tarOf([{ path: 'etc/two', data: '2' }])],
  config: { Cmd: ['sh'] },
}

describe('loading', { skip: lacking() }, () => {
  let temporary: TemporaryStore
  before(() => {
    temporary = new TemporaryStore()
  })
  after(() => temporary[Symbol.dispose]())

  async function fails(bytes: Uint8Array, code: string, pattern: RegExp): Promise<void> {
    using fresh = new TemporaryStore()
    await assert.rejects(fresh.store.load(fresh.file(bytes)), (error: unknown) => {
      assert.ok(error instanceof KubeError, causeChain(error))
      assert.equal(error.code, code, causeChain(error))
      assert.match(`${causeChain(error)} | ${error.hint}`, pattern)
      return true
    })
    assert.deepEqual(readdirSync(join(fresh.root, 'images/tmp')), [])
    assert.deepEqual(readdirSync(join(fresh.root, 'images/locks')), [])
    assert.deepEqual(fresh.store.list(), [])
  }

  /** Both layers are right, in a store that had nothing. */
  async function loads(path: string, references: readonly string[]): Promise<void> {
    using fresh = new TemporaryStore()
    const images = await fresh.store.load(path)
    assert.deepEqual(
      images.flatMap(image => image.references),
      references,
    )
    for (const image of images) {
      assert.deepEqual(
        image.layers,
        IMAGE.layers.map(layer => `sha256:${sha256(layer)}`),
      )
      const { layersDir, names } = fresh.store.lowerDirs(image)
      assert.equal(readFileSync(join(layersDir, names[0] ?? '', 'etc/two'), 'utf8'), '2')
      assert.equal(readFileSync(join(layersDir, names[1] ?? '', 'etc/one'), 'utf8'), '1')
    }
  }

  /** A layout as files, to be put into a directory or a tar. */
  function layout(index: Blob, blobs: readonly Blob[]): ReadonlyMap<string, Uint8Array> {
    return new Map<string, Uint8Array>([
      ['oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')],
      ['index.json', index.bytes],
      ...blobs.map(blob => [`blobs/sha256/${blob.digest.slice(7)}`, blob.bytes] as const),
    ])
  }
  const tarOfFiles = (files: ReadonlyMap<string, Uint8Array>): Buffer =>
    tarOf([...files].map(([path, data]) => ({ path, data })))

  test('a docker-archive, plain and compressed in every way', { skip: lacking('xz', 'bzip2') }, async () => {
    const archive = dockerArchive([{ ...IMAGE, tags: ['web:1'] }])
    const forms = [
      archive,
      gzipSync(archive),
      zstdCompressSync(archive),
      spawnSync('xz', ['-c'], { input: archive }).stdout,
      spawnSync('bzip2', ['-c'], { input: archive }).stdout,
    ]
    for (const form of forms) await loads(temporary.file(form), ['docker.io/library/web:1'])
  })

  test('layers may be compressed inside', async () => {
    const config = configOf(IMAGE)
    const files = new Map<string, Uint8Array>([['config.json', config]])
    IMAGE.layers.forEach((layer, i) => {
      files.set(`layer${i}`, i === 0 ? gzipSync(layer) : zstdCompressSync(layer))
    })
    files.set(
      'manifest.json',
      Buffer.from(JSON.stringify([{ Config: 'config.json', RepoTags: null, Layers: ['layer0', 'layer1'] }])),
    )
    await loads(temporary.file(tarOfFiles(files)), [])
  })

  test("docker's old layout: a repeated layer is a link to the first", async () => {
    const layer = IMAGE.layers[0]!
    const config = configOf({ layers: [layer, layer] })
    const bytes = tarOf([
      { path: 'c.json', data: config },
      { path: 'a/' },
      { path: 'a/layer.tar', data: layer },
      { path: 'b/' },
      { path: 'b/layer.tar', flag: '2', linkPath: '../a/layer.tar' },
      {
        path: 'manifest.json',
        data: JSON.stringify([{ Config: 'c.json', RepoTags: ['x/y:1'], Layers: ['a/layer.tar', 'b/layer.tar'] }]),
      },
    ])
    using fresh = new TemporaryStore()
    const [image] = await fresh.store.load(fresh.file(bytes))
    assert.equal(image?.layers.length, 2)
    assert.equal(fresh.store.lowerDirs(image!).names.length, 1, 'overlayfs refuses a directory that is there twice')
  })

  test('several images in one archive share layers', async () => {
    using fresh = new TemporaryStore()
    const other = { layers: [IMAGE.layers[0]!, tarOf([{ path: 'other', data: 'o' }])] }
    const images = await fresh.store.load(
      fresh.file(
        dockerArchive([
          { ...IMAGE, tags: ['one:1', 'quay.io/me/one:1'] },
          { ...other, tags: ['two:1'] },
          { ...other, tags: ['one:1'] },
        ]),
      ),
    )
    assert.deepEqual(
      images.map(image => image.references),
      [['quay.io/me/one:1'], ['docker.io/library/one:1', 'docker.io/library/two:1']],
    )
    assert.equal(readdirSync(join(fresh.root, 'images/l')).length, 3)
  })

  describe('what skopeo writes', { skip: lacking('skopeo') }, () => {
    let source: string
    before(() => {
      source = `docker-archive:${temporary.file(dockerArchive([{ ...IMAGE, tags: ['s:1'] }]))}`
    })
    const copied = (kind: string, name: string, ...options: readonly string[]): string => {
      const path = join(temporary.directory, `${kind}-${Math.random().toString(36).slice(2)}`)
      execFileSync('skopeo', ['copy', '--quiet', ...options, source, `${kind}:${path}:${name}`])
      return path
    }
    test('docker-archive', () => loads(copied('docker-archive', 'quay.io/me/web:2'), ['quay.io/me/web:2']))
    test('oci-archive', () => loads(copied('oci-archive', 'quay.io/me/web:3'), ['quay.io/me/web:3']))
    test('oci-archive with a short name', () => loads(copied('oci-archive', 'web:3'), ['localhost/web:3']))
    test('oci-archive with zstd layers', () =>
      loads(copied('oci-archive', 'web:4', '--dest-compress', '--dest-compress-format=zstd'), ['localhost/web:4']))
    test('OCI layout directory', () => loads(copied('oci', 'web:5'), ['localhost/web:5']))
    test('OCI layout directory without a name', () => {
      const path = copied('oci', 'x')
      const index = JSON.parse(readFileSync(join(path, 'index.json'), 'utf8'))
      delete index.manifests[0].annotations
      writeFileSync(join(path, 'index.json'), JSON.stringify(index))
      return loads(path, [])
    })
  })

  test("containerd's and buildx's annotations; an index in the index gives this machine its image", async () => {
    const wanted = ociImage(IMAGE, gzipSync)
    const other = ociImage({ ...IMAGE, architecture: 's390x', config: { Cmd: ['other'] } }, gzipSync)
    const here = { os: 'linux', architecture: { x64: 'amd64', arm64: 'arm64' }[process.arch as string] }
    const inner = ociIndex([
      { manifest: other.manifest, platform: { os: 'linux', architecture: 's390x' } },
      { manifest: wanted.manifest, platform: here },
    ])
    const annotations = {
      'io.containerd.image.name': 'docker.io/library/web:6',
      'org.opencontainers.image.ref.name': '6',
    }
    const nested = layout(ociIndex([{ manifest: inner, annotations }]), [inner, wanted.manifest, ...wanted.blobs])
    await loads(temporary.file(tarOfFiles(nested)), ['docker.io/library/web:6'])
    const flat = ociIndex([
      { manifest: other.manifest, platform: { os: 'linux', architecture: 's390x' } },
      { manifest: wanted.manifest, platform: here },
    ])
    await loads(temporary.file(tarOfFiles(layout(flat, [wanted.manifest, ...wanted.blobs]))), [])
  })

  test('standard input, plain and compressed, by the command', async () => {
    using fresh = new TemporaryStore()
    const archive = dockerArchive([{ ...IMAGE, tags: ['stdin:1'] }])
    const script = `
      import { openImageStore } from ${JSON.stringify(new URL('../../src/host/images/store.ts', import.meta.url).href)}
      const store = openImageStore(process.argv[1])
      console.log((await store.load('-'))[0].references[0])
      store.close()`
    for (const bytes of [archive, gzipSync(archive)]) {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', script, fresh.root], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      child.stdin.end(bytes)
      let text = ''
      for await (const chunk of child.stdout) text += chunk
      assert.equal(text, 'docker.io/library/stdin:1\n')
    }
  })

  describe('refuses, and leaves nothing of', () => {
    const config = configOf(IMAGE)
    const archive = (manifest: unknown, files: Readonly<Record<string, Uint8Array>> = {}): Buffer =>
      tarOfFiles(
        new Map(
          Object.entries({
            ...files,
            'manifest.json': Buffer.from(typeof manifest === 'string' ? manifest : JSON.stringify(manifest)),
          }),
        ),
      )
    const layers = { l0: IMAGE.layers[0]!, l1: IMAGE.layers[1]! }

    test('a root file system', () =>
      fails(tarOf([{ path: 'etc/passwd', data: '' }]), 'ImageInvalid', /neither a docker-archive.*kube import/))
    test('a text', () => fails(Buffer.from('hello'.repeat(300)), 'ImageInvalid', /not a tar archive/))
    test('an empty file', () => fails(Buffer.alloc(0), 'ImageInvalid', /neither/))
    test('a cut archive', () =>
      fails(dockerArchive([{ ...IMAGE, tags: [] }]).subarray(0, 3000), 'ImageInvalid', /cut short/))
    test('a cut compressed archive', () =>
      fails(gzipSync(dockerArchive([{ ...IMAGE, tags: [] }])).subarray(0, -50), 'ImageInvalid', /damaged|cut short/))
    test('broken JSON', () => fails(archive('{'), 'ImageInvalid', /not JSON/))
    test('an empty list', () => fails(archive([]), 'ImageInvalid', /no image/))
    test('a missing config', () => fails(archive([{ Config: 'c', Layers: [] }]), 'ImageInvalid', /c is missing/))
    test('a missing layer', () =>
      fails(
        archive([{ Config: 'c', Layers: ['l0', 'l1'] }], { c: config, l0: layers.l0 }),
        'ImageInvalid',
        /layer l1 is missing/,
      ))
    test('fewer layers than the config says', () =>
      fails(
        archive([{ Config: 'c', Layers: ['l0'] }], { c: config, ...layers }),
        'ImageInvalid',
        /2 layers, the archive holds 1/,
      ))
    test('layers in the wrong order', () =>
      fails(
        archive([{ Config: 'c', Layers: ['l1', 'l0'] }], { c: config, ...layers }),
        'DigestMismatch',
        /should be sha256/,
      ))
    test('a config under another digest', () =>
      fails(
        archive([{ Config: `${'0'.repeat(64)}.json`, Layers: ['l0', 'l1'] }], {
          [`${'0'.repeat(64)}.json`]: config,
          ...layers,
        }),
        'DigestMismatch',
        /should be sha256:000/,
      ))
    test('a tag that is none', () =>
      fails(
        archive([{ Config: 'c', Layers: ['l0', 'l1'], RepoTags: ['Bad Name'] }], { c: config, ...layers }),
        'InvalidImageName',
        /Bad Name/,
      ))
    test('links in a circle', () =>
      fails(
        tarOf([
          { path: 'a', flag: '2', linkPath: 'b' },
          { path: 'b', flag: '2', linkPath: 'a' },
          { path: 'manifest.json', data: JSON.stringify([{ Config: 'a', Layers: [] }]) },
        ]),
        'ImageInvalid',
        /a is missing/,
      ))
    test('a layer blob that is not what its digest says', () => {
      const image = ociImage(IMAGE, gzipSync)
      const files = new Map(layout(ociIndex([{ manifest: image.manifest }]), [image.manifest, ...image.blobs]))
      const digest = image.blobs[1]?.digest.slice(7) ?? ''
      files.set(`blobs/sha256/${digest}`, gzipSync(IMAGE.layers[0]!, { level: 1 }))
      return fails(tarOfFiles(files), 'DigestMismatch', /its bytes should be/)
    })
    test('a manifest for another machine', () => {
      const image = ociImage(IMAGE, gzipSync)
      const platform = { os: 'linux', architecture: 'mips64le' }
      const inner = ociIndex([{ manifest: image.manifest, platform }])
      return fails(
        tarOfFiles(layout(ociIndex([{ manifest: inner }]), [inner, image.manifest, ...image.blobs])),
        'PlatformNotFound',
        /only for linux\/mips64le/,
      )
    })
    test('a layout whose digests are paths', () => {
      const evil = {
        ...blobOf('application/vnd.oci.image.manifest.v1+json', {}),
        digest: 'sha256:../../../../etc/passwd',
      }
      return fails(tarOfFiles(layout(ociIndex([{ manifest: evil }]), [])), 'ImageInvalid', /no sha256 digest/)
    })
  })

  test('what is not there is told', async () => {
    await assert.rejects(temporary.store.load('/nonexistent/x.tar'), { code: 'FileNotFound' })
    const empty = join(temporary.directory, 'empty')
    mkdirSync(empty)
    await assert.rejects(temporary.store.load(empty), { code: 'ImageInvalid' })
    assert.ok(existsSync(empty))
  })
})
