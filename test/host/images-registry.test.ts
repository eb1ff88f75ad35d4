/** Pulling from Debian's docker-registry, over good connections and bad ones. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { causeChain, KubeError } from '../../src/diagnostic.ts'
import type { PullOptions, PullProgress } from '../../src/host/images/types.ts'
import { FaultyProxy } from '../support/faulty-proxy.ts'
import { blobOf, dockerArchive, ociImage, ociIndex, sha256, type TestImage } from '../support/image-archive.ts'
import { lacking } from '../support/need.ts'
import { PASSWORD, PROGRAM_LIMIT_MS, TestRegistry, USER } from '../support/registry.ts'
import { tarOf } from '../support/tar-writer.ts'
import { TemporaryStore } from '../support/temporary-store.ts'

/** Does not compress, so that a blob is as large as it looks. */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

const SMALL: TestImage = {
  layers: [tarOf([{ path: 'etc/' }, { path: 'etc/one', data: '1' }]), tarOf([{ path: 'etc/two', data: '2' }])],
  config: {
    Cmd: ['sh'],
    Env: ['A=b'],
    ExposedPorts: { '80/tcp': {} },
    Labels: { a: 'b' },
    User: '33',
    WorkingDir: '/www',
    StopSignal: 'SIGINT',
  },
}
const LARGE: TestImage = { layers: [1, 2, 3, 4, 5, 6].map(i => tarOf([{ path: `file${i}`, data: noise(700_000, i) }])) }

describe('pulling', { skip: lacking('docker-registry', 'skopeo') }, () => {
  let registry: TestRegistry
  let proxy: FaultyProxy
  let archives: TemporaryStore
  before(async () => {
    archives = new TemporaryStore()
    registry = await TestRegistry.start()
    proxy = await FaultyProxy.start(registry.host)
    const small = archives.file(dockerArchive([{ ...SMALL, tags: ['small:1'] }]))
    const large = archives.file(dockerArchive([{ ...LARGE, tags: ['large:1'] }]))
    await registry.push(`docker-archive:${small}`, 'small:1')
    const fresh = archives.file(dockerArchive([{ layers: [tarOf([{ path: 'etc/zstd', data: 'z' }])], tags: ['z:1'] }]))
    await registry.push(`docker-archive:${fresh}`, 'zstd:1', '--dest-compress-format=zstd', '--format=oci')
    await registry.push(`docker-archive:${large}`, 'team/large:1')
  })
  after(async () => {
    await proxy?.[Symbol.asyncDispose]()
    await registry?.[Symbol.asyncDispose]()
    archives?.[Symbol.dispose]()
  })

  async function fails(promise: Promise<unknown>, code: string, pattern: RegExp): Promise<void> {
    await assert.rejects(promise, (error: unknown) => {
      assert.ok(error instanceof KubeError, causeChain(error))
      assert.equal(error.code, code, causeChain(error))
      assert.match(`${causeChain(error)} | ${error.hint}`, pattern)
      return true
    })
  }

  /** Nothing half-done is there. */
  function assertClean(temporary: TemporaryStore): void {
    const base = join(temporary.root, 'images')
    assert.deepEqual(readdirSync(join(base, 'tmp')), [])
    assert.deepEqual(readdirSync(join(base, 'locks')), [])
  }

  test('an image comes with its config, layers and digests', async () => {
    using temporary = new TemporaryStore()
    const { store } = temporary
    const seen: PullProgress[] = []
    const image = await store.pull(`${registry.host}/small:1`, { onProgress: progress => seen.push(progress) })
    const inspected = JSON.parse(
      execFileSync('skopeo', ['inspect', '--tls-verify=false', `docker://${registry.host}/small:1`], {
        encoding: 'utf8',
        timeout: PROGRAM_LIMIT_MS,
        killSignal: 'SIGKILL',
      }),
    )
    assert.equal(image.manifestDigest, inspected.Digest)
    assert.deepEqual(image.references, [`${registry.host}/small:1`])
    assert.deepEqual(image.config, {
      user: '33',
      env: ['A=b'],
      cmd: ['sh'],
      workingDir: '/www',
      exposedPorts: ['80/tcp'],
      volumes: [],
      labels: { a: 'b' },
      stopSignal: 'SIGINT',
    })
    assert.deepEqual(
      image.layers,
      SMALL.layers.map(layer => `sha256:${sha256(layer)}`),
    )
    const { layersDir, names } = store.lowerDirs(image)
    assert.equal(readFileSync(join(layersDir, names[0] ?? '', 'etc/two'), 'utf8'), '2')
    assert.equal(readFileSync(join(layersDir, names[1] ?? '', 'etc/one'), 'utf8'), '1')
    for (const name of names) assert.match(name, /^[0-9a-f]{8}$/)
    for (const found of [
      `${registry.host}/small:1`,
      `${registry.host}/small@${inspected.Digest}`,
      image.id,
      image.id.slice(7, 19),
    ]) {
      assert.equal(store.find(found)?.id, image.id, found)
    }
    const ends = seen.filter(progress => progress.state === 'done')
    assert.equal(ends.length, 2)
    assert.ok(ends.every(progress => progress.doneBytes === progress.totalBytes))
    assertClean(temporary)
  })

  test('a second pull moves no layer, by digest neither', async () => {
    using temporary = new TemporaryStore()
    const first = await temporary.store.pull(`${proxy.host}/small:1`)
    proxy.seen.length = 0
    const states = new Set<string>()
    await temporary.store.pull(`${proxy.host}/small:1`, { onProgress: progress => states.add(progress.state) })
    const byDigest = await temporary.store.pull(`${proxy.host}/small:1@${first.manifestDigest}`)
    assert.deepEqual(byDigest.references, [`${proxy.host}/small:1`, `${proxy.host}/small@${first.manifestDigest}`])
    assert.deepEqual([...states], ['waiting', 'present'])
    const layers = JSON.parse(
      readFileSync(join(temporary.root, 'images/blobs/sha256', first.manifestDigest?.slice(7) ?? ''), 'utf8'),
    ).layers
    for (const layer of layers) assert.ok(!proxy.seen.some(({ url }) => url.includes(layer.digest)))
  })

  test('zstd layers', async () => {
    using temporary = new TemporaryStore()
    const image = await temporary.store.pull(`${registry.host}/zstd:1`)
    const manifest = JSON.parse(
      readFileSync(join(temporary.root, 'images/blobs/sha256', image.manifestDigest?.slice(7) ?? ''), 'utf8'),
    )
    assert.match(manifest.layers[0].mediaType, /zstd/)
    assert.equal(readFileSync(join(temporary.topLayer(image), 'etc/zstd'), 'utf8'), 'z')
  })

  test('a tag that moves takes the name along; the old image stays without one', async () => {
    using temporary = new TemporaryStore()
    const archive = (text: string): string =>
      `docker-archive:${temporary.file(dockerArchive([{ layers: [tarOf([{ path: 'v', data: text }])], tags: ['m:1'] }]))}`
    await registry.push(archive('old'), 'moving:1')
    const old = await temporary.store.pull(`${registry.host}/moving:1`)
    await registry.push(archive('new'), 'moving:1')
    const now = await temporary.store.pull(`${registry.host}/moving:1`)
    assert.notEqual(now.id, old.id)
    assert.equal(temporary.store.find(`${registry.host}/moving:1`)?.id, now.id)
    assert.deepEqual(temporary.store.find(old.id)?.references, [])
    assert.equal(temporary.store.find(`${registry.host}/moving@${old.manifestDigest}`)?.id, old.id)
  })

  describe('an index', () => {
    const made = (architecture: string, variant?: string) =>
      ociImage(
        {
          layers: [tarOf([{ path: 'arch', data: `${architecture}${variant ?? ''}` }])],
          architecture,
          ...(variant ? { variant } : {}),
        },
        gzipSync,
      )
    const entry = (architecture: string, variant?: string) => ({
      manifest: made(architecture, variant).manifest,
      platform: { os: 'linux', architecture, ...(variant ? { variant } : {}) },
    })
    before(async () => {
      const windows = ociImage({ layers: [tarOf([{ path: 'w', data: 'w' }])], os: 'windows' }, gzipSync)
      const attestation = blobOf('application/vnd.oci.image.manifest.v1+json', {
        schemaVersion: 2,
        config: {
          mediaType: 'application/vnd.oci.image.config.v1+json',
          digest: windows.blobs[0]?.digest,
          size: windows.blobs[0]?.size,
        },
        layers: [],
      })
      for (const image of [
        made('amd64'),
        made('arm', 'v6'),
        made('arm', 'v7'),
        made('arm64', 'v8'),
        made('amd64', 'v3'),
        windows,
      ]) {
        await registry.put('multi', image.manifest.digest, image.manifest, image.blobs)
      }
      await registry.put('multi', attestation.digest, attestation, [])
      const note = { 'vnd.docker.reference.type': 'attestation-manifest' }
      const entries = [
        { manifest: attestation, platform: { os: 'unknown', architecture: 'unknown' }, annotations: note },
        { manifest: windows.manifest, platform: { os: 'windows', architecture: 'amd64' } },
        entry('amd64', 'v3'),
        entry('arm64', 'v8'),
        entry('arm', 'v6'),
        entry('arm', 'v7'),
        entry('amd64'),
      ]
      await registry.put('multi', '1', ociIndex(entries), [])
      await registry.put('multi', 'arm', ociIndex([entry('arm', 'v7')]), [])
    })
    for (const [platform, content] of [
      [undefined, { x64: 'amd64', arm64: 'arm64v8' }[process.arch as string]],
      ['linux/amd64', 'amd64'],
      ['linux/amd64/v3', 'amd64v3'],
      ['linux/x86_64', 'amd64'],
      ['linux/arm64', 'arm64v8'],
      ['linux/arm/v7', 'armv7'],
      ['linux/arm/v6', 'armv6'],
      ['linux/arm', 'armv7'],
    ] as const) {
      test(`gives ${platform ?? 'this machine'} its own`, async () => {
        using temporary = new TemporaryStore()
        const image = await temporary.store.pull(`${registry.host}/multi:1`, platform === undefined ? {} : { platform })
        assert.equal(readFileSync(join(temporary.topLayer(image), 'arch'), 'utf8'), content)
        const digest = `sha256:${sha256(ociIndexBytes(await manifestOf('multi', '1')))}`
        assert.equal(
          temporary.store.find(`${registry.host}/multi@${digest}`)?.id,
          image.id,
          "by the index's digest too",
        )
      })
    }
    test('tells what there is when nothing fits', async () => {
      using temporary = new TemporaryStore()
      await fails(
        temporary.store.pull(`${registry.host}/multi:arm`, { platform: 'linux/s390x' }),
        'PlatformNotFound',
        /no image for linux\/s390x, only for linux\/arm\/v7/,
      )
      await fails(
        temporary.store.pull(`${registry.host}/multi:1`, { platform: 'linux/arm/v5' }),
        'PlatformNotFound',
        /linux\/arm\/v5/,
      )
      await fails(
        temporary.store.pull(`${registry.host}/multi:1`, { platform: 'windows/amd64' }),
        'PlatformNotFound',
        /made for windows/,
      )
      await fails(
        temporary.store.pull(`${registry.host}/multi:1`, { platform: 'amd64' }),
        'InvalidPlatform',
        /os\/arch/,
      )
      assertClean(temporary)
    })
    async function manifestOf(repository: string, tag: string): Promise<Buffer> {
      const answer = await fetch(`http://${registry.host}/v2/${repository}/manifests/${tag}`, {
        headers: { Accept: 'application/vnd.oci.image.index.v1+json' },
      })
      return Buffer.from(await answer.arrayBuffer())
    }
    const ociIndexBytes = (bytes: Buffer): Buffer => bytes
  })

  describe('what is not there or not right', () => {
    test('names, tags, digests, hosts', async () => {
      using temporary = new TemporaryStore()
      const { store } = temporary
      const pull = (name: string, options?: PullOptions) => store.pull(name, options)
      await fails(
        pull(`${registry.host}/nope:1`),
        'ImageNotFound',
        /pull 127.*\/nope:1: manifest unknown.*check the name/,
      )
      await fails(pull(`${registry.host}/small:2`), 'ImageNotFound', /manifest unknown/)
      await fails(pull(`${registry.host}/small@sha256:${'0'.repeat(64)}`), 'ImageNotFound', /manifest unknown/)
      await fails(pull('127.0.0.1:1/small:1'), 'RegistryUnreachable', /registry 127\.0\.0\.1:1: connection refused/)
      await fails(
        pull('registry.invalid/small:1'),
        'RegistryUnreachable',
        /registry\.invalid: (?:no such host|its name)/,
      )
      await fails(pull('localhost/small:1'), 'ImageNotFound', /localhost is no registry/)
      await fails(pull('UPPER'), 'InvalidImageName', /lowercase/)
      assertClean(temporary)
      assert.deepEqual(readdirSync(join(temporary.root, 'images/l')), [])
    })

    test('a blob, a manifest or a config that is not what its digest says', async () => {
      using temporary = new TemporaryStore()
      for (const [what, pattern] of [
        ['/blobs/', /should be sha256/],
        ['/manifests/sha256', /the manifest should be/],
      ] as const) {
        proxy.fault = ({ url }) => (url.includes(what) ? { kind: 'corrupt' } : undefined)
        const name = what === '/blobs/' ? 'team/large:1' : `small@${(await registryDigest('small')) ?? ''}`
        await fails(temporary.store.pull(`${proxy.host}/${name}`), 'DigestMismatch', pattern)
      }
      // Only a layer: its config is right.
      const layer = await firstLayer('team/large')
      proxy.fault = ({ url }) => (url.includes(layer) ? { kind: 'corrupt' } : undefined)
      await fails(temporary.store.pull(`${proxy.host}/team/large:1`), 'DigestMismatch', /blob sha256|compressed/)
      proxy.fault = () => undefined
      assertClean(temporary)
      assert.deepEqual(temporary.store.list(), [])
      await temporary.store.prune()
      assert.deepEqual(readdirSync(join(temporary.root, 'images/l')), [])
      assert.deepEqual(readdirSync(join(temporary.root, 'images/blobs/sha256')), [])
    })

    test('a layer whose tar is not what the config says', async () => {
      using temporary = new TemporaryStore()
      const honest = ociImage(SMALL, gzipSync)
      const other = blobOf(
        'application/vnd.oci.image.layer.v1.tar+gzip',
        gzipSync(tarOf([{ path: 'evil', data: 'evil' }])),
      )
      const lying = JSON.parse(honest.manifest.bytes.toString())
      lying.layers[1] = { mediaType: other.mediaType, digest: other.digest, size: other.size }
      await registry.put('lying', '1', blobOf(honest.manifest.mediaType, lying), [...honest.blobs, other])
      await fails(temporary.store.pull(`${registry.host}/lying:1`), 'DigestMismatch', /its content should be/)
      assertClean(temporary)
    })

    test('a blob that is larger than its manifest says, and one that never ends short', async () => {
      using temporary = new TemporaryStore()
      const honest = ociImage(SMALL, gzipSync)
      for (const [tag, difference, code] of [
        ['less', -1, 'DigestMismatch'],
        ['more', 7, 'DigestMismatch'],
      ] as const) {
        const lying = JSON.parse(honest.manifest.bytes.toString())
        lying.layers[0].size += difference
        const manifest = blobOf(honest.manifest.mediaType, lying)
        for (const blob of honest.blobs) await registry.put('sizes', 'x', honest.manifest, [blob]).catch(() => {})
        proxy.fault = ({ url }) =>
          url.includes(`/manifests/${tag}`)
            ? {
                kind: 'answer',
                status: 200,
                headers: { 'Content-Type': manifest.mediaType },
                body: manifest.bytes.toString(),
              }
            : undefined
        await fails(temporary.store.pull(`${proxy.host}/sizes:${tag}`), code, /larger than|smaller than/)
      }
      proxy.fault = () => undefined
      assertClean(temporary)
    })

    test('artifacts, schema 1, counts that differ, broken JSON', async () => {
      using temporary = new TemporaryStore()
      const honest = ociImage(SMALL, gzipSync)
      const manifest = JSON.parse(honest.manifest.bytes.toString())
      const answers: Readonly<Record<string, readonly [object | string, RegExp]>> = {
        schema1: [{ schemaVersion: 1, name: 'x', tag: '1', fsLayers: [] }, /schema 1/],
        chart: [
          { ...manifest, config: { ...manifest.config, mediaType: 'application/vnd.cncf.helm.config.v1+json' } },
          /artifact of type application\/vnd\.cncf\.helm/,
        ],
        fewer: [{ ...manifest, layers: manifest.layers.slice(1) }, /2 layers, its manifest of 1/],
        text: ['<html>hello</html>', /not JSON/],
        digest: [{ ...manifest, config: { ...manifest.config, digest: '../../../etc/passwd' } }, /no sha256 digest/],
        array: ['[]', /not an object/],
        empty: ['{}', /neither config nor manifests/],
      }
      proxy.fault = ({ url }) => {
        const answer = /\/odd\/manifests\/(\w+)/.exec(url)?.[1]
        const body = answer && answers[answer]?.[0]
        return body
          ? { kind: 'answer', status: 200, body: typeof body === 'string' ? body : JSON.stringify(body) }
          : undefined
      }
      await registry.put('odd', 'good', honest.manifest, honest.blobs)
      for (const [tag, [, pattern]] of Object.entries(answers)) {
        await fails(temporary.store.pull(`${proxy.host}/odd:${tag}`), 'ImageInvalid', pattern)
      }
      proxy.fault = () => undefined
      assertClean(temporary)
    })
  })

  async function firstLayer(repository: string): Promise<string> {
    const answer = await fetch(`http://${registry.host}/v2/${repository}/manifests/1`, {
      headers: { Accept: 'application/vnd.docker.distribution.manifest.v2+json' },
    })
    const { layers } = (await answer.json()) as { readonly layers: readonly { readonly digest: string }[] }
    return layers[0]?.digest ?? ''
  }

  async function registryDigest(repository: string): Promise<string | null> {
    const answer = await fetch(`http://${registry.host}/v2/${repository}/manifests/1`, {
      method: 'HEAD',
      headers: { Accept: 'application/vnd.docker.distribution.manifest.v2+json' },
    })
    return answer.headers.get('docker-content-digest')
  }

  describe('bad connections', () => {
    after(() => {
      proxy.fault = () => undefined
    })

    test('a download that breaks off goes on where it was', async () => {
      using temporary = new TemporaryStore()
      const layer = await firstLayer('team/large')
      proxy.fault = ({ url }, count) =>
        url.includes(layer) && count < 3 ? { kind: 'cut', afterBytes: 150_000 } : undefined
      proxy.seen.length = 0
      const image = await temporary.store.pull(`${proxy.host}/team/large:1`)
      assert.equal(image.layers.length, 6)
      const ranges = proxy.seen.filter(({ url }) => url.includes(layer)).map(({ headers }) => headers.range)
      assert.equal(ranges.length, 4)
      assert.equal(ranges[0], undefined)
      const starts = ranges.slice(1).map(range => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]))
      assert.ok(
        starts.every((start, i) => start > (starts[i - 1] ?? 0)),
        `each one further: ${starts}`,
      )
    })

    test('a registry without ranges starts again from the beginning', async () => {
      using temporary = new TemporaryStore()
      const layer = await firstLayer('team/large')
      proxy.fault = ({ url }, count) =>
        url.includes(layer) ? (count === 0 ? { kind: 'cut', afterBytes: 300_000 } : { kind: 'noRange' }) : undefined
      proxy.seen.length = 0
      await temporary.store.pull(`${proxy.host}/team/large:1`)
      assert.equal(proxy.seen.filter(({ url }) => url.includes(layer)).length, 2)
    })

    test('server errors and rate limits pass after a while', async () => {
      using temporary = new TemporaryStore()
      proxy.fault = ({ url }, count) => {
        if (count > 0) return undefined
        return { kind: 'answer', status: url.includes('/manifests/') ? 503 : 429, headers: { 'Retry-After': '0' } }
      }
      proxy.seen.length = 0
      await temporary.store.pull(`${proxy.host}/small:1`)
    })

    test('lasting ones are told', async () => {
      using temporary = new TemporaryStore()
      const answer = (status: number, code: string): void => {
        const body = JSON.stringify({ errors: [{ code, message: `said ${code.toLowerCase()}` }] })
        proxy.fault = ({ url }) =>
          url.includes('/manifests/') ? { kind: 'answer', status, headers: { 'Retry-After': '3600' }, body } : undefined
      }
      answer(429, 'TOOMANYREQUESTS')
      await fails(
        temporary.store.pull(`${proxy.host}/small:1`),
        'RegistryTooManyRequests',
        /too many requests: said toomanyrequests/,
      )
      answer(403, 'DENIED')
      await fails(temporary.store.pull(`${proxy.host}/small:1`), 'RegistryForbidden', /forbidden: said denied/)
      answer(401, 'UNAUTHORIZED')
      await fails(temporary.store.pull(`${proxy.host}/small:1`), 'RegistryUnauthorized', /unauthorized/)
      answer(400, 'MANIFEST_INVALID')
      await fails(
        temporary.store.pull(`${proxy.host}/small:1`),
        'RegistryFailed',
        /said manifest_invalid \(status 400\)/,
      )
    })

    test('redirects are followed, and passwords are not sent along', async () => {
      using temporary = new TemporaryStore()
      await using elsewhere = await FaultyProxy.start(registry.host)
      const challenge = { 'WWW-Authenticate': 'Basic realm="x"' }
      proxy.fault = ({ url, headers }) => {
        if (url !== '/v2/' && headers.authorization === undefined)
          return { kind: 'answer', status: 401, headers: challenge }
        // By name instead of by address: another host.
        if (url.includes('/blobs/'))
          return {
            kind: 'answer',
            status: 307,
            headers: { Location: `http://${elsewhere.host.replace('127.0.0.1', 'localhost')}${url}` },
          }
        return undefined
      }
      await temporary.store.pull(`${proxy.host}/small:1`, { credentials: `${USER}:${PASSWORD}` })
      assert.ok(elsewhere.seen.length >= 3)
      for (const { headers } of elsewhere.seen) assert.equal(headers.authorization, undefined)
      assert.ok(proxy.seen.some(({ headers }) => headers.authorization?.startsWith('Basic ')))
    })

    test('redirects in a circle or to a file end', async () => {
      using temporary = new TemporaryStore()
      proxy.fault = ({ url }) =>
        url.includes('/manifests/') ? { kind: 'answer', status: 302, headers: { Location: url } } : undefined
      await fails(temporary.store.pull(`${proxy.host}/small:1`), 'RegistryFailed', /redirects more than/)
      proxy.fault = ({ url }) =>
        url.includes('/manifests/')
          ? { kind: 'answer', status: 302, headers: { Location: 'file:///etc/passwd' } }
          : undefined
      await fails(temporary.store.pull(`${proxy.host}/small:1`), 'RegistryFailed', /redirects to "file/)
    })

    test('an abort ends it at once and leaves nothing', async () => {
      using temporary = new TemporaryStore()
      const stop = new AbortController()
      const { promise: forever, resolve: end } = Promise.withResolvers<void>()
      const layer = await firstLayer('team/large')
      proxy.fault = ({ url }) => {
        if (!url.includes(layer)) return undefined
        setImmediate(() => stop.abort())
        return { kind: 'stall', until: forever }
      }
      await assert.rejects(temporary.store.pull(`${proxy.host}/team/large:1`, { signal: stop.signal }))
      end()
      assertClean(temporary)
      assert.deepEqual(temporary.store.list(), [])
    })
  })

  describe('several processes at once', () => {
    const script = `
      import { openImageStore } from ${JSON.stringify(new URL('../../src/host/images/store.ts', import.meta.url).href)}
      const store = openImageStore(process.argv[1])
      const image = await store.pull(process.argv[2], { onProgress: p => { if (p.state === 'unpacking' || p.state === 'present') console.log(p.state, p.layer) } })
      console.log('image', image.id)
      store.close()
    `
    const puller = (root: string, name: string): ChildProcess =>
      spawn(process.execPath, ['--input-type=module', '--eval', script, root, name], {
        stdio: ['ignore', 'pipe', 'inherit'],
        timeout: PROGRAM_LIMIT_MS,
        killSignal: 'SIGKILL',
      })
    async function output(child: ChildProcess): Promise<string> {
      let text = ''
      for await (const chunk of child.stdout!) text += chunk
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      return text
    }

    test('pull the same image: each layer is unpacked once', async () => {
      using temporary = new TemporaryStore()
      const children = [1, 2, 3].map(() => puller(temporary.root, `${registry.host}/team/large:1`))
      const texts = await Promise.all(children.map(output))
      const ids = texts.map(text => /image (\S+)/.exec(text)?.[1])
      assert.equal(new Set(ids).size, 1)
      assert.ok(ids[0]?.startsWith('sha256:'))
      const unpacked = texts.join('').match(/unpacking/g)
      assert.equal(unpacked?.length, 6, texts.join(''))
      assert.equal(readdirSync(join(temporary.root, 'images/l')).length, 6)
      assertClean(temporary)
    })

    test('a killed pull leaves only what the next one removes, which succeeds', async () => {
      using temporary = new TemporaryStore()
      const layer = await firstLayer('team/large')
      const { promise: forever, resolve: end } = Promise.withResolvers<void>()
      const { promise: stalled, resolve: stalling } = Promise.withResolvers<void>()
      proxy.fault = ({ url }) => {
        if (!url.includes(layer)) return undefined
        stalling()
        return { kind: 'stall', until: forever }
      }
      const child = puller(temporary.root, `${proxy.host}/team/large:1`)
      const text = output(child)
      await Promise.race([stalled, text])
      const base = join(temporary.root, 'images')
      assert.equal(readdirSync(join(base, 'tmp')).length, 1)
      assert.deepEqual(
        await temporary.store.prune().then(() => readdirSync(join(base, 'tmp')).length),
        1,
        'a living pull is left alone',
      )
      child.kill('SIGKILL')
      await text
      end()
      proxy.fault = () => undefined
      const [left = ''] = readdirSync(join(base, 'tmp'))
      // It was killed with its first layer still to come.
      writeFileSync(join(base, 'tmp', left, 'part'), Buffer.alloc(5000, 'x'))
      const image = await temporary.store.pull(`${proxy.host}/team/large:1`)
      assert.equal(image.layers.length, 6)
      assertClean(temporary)
      assert.deepEqual(await temporary.store.prune(), { freedBytes: 0 })
      assert.equal(readdirSync(join(base, 'l')).length, 6)
      assert.equal(temporary.store.find(`${proxy.host}/team/large:1`)?.id, image.id)
    })
  })

  test('what is made here is current without any registry', async () => {
    using temporary = new TemporaryStore()
    await temporary.import(tarOf([{ path: 'a', data: 'a' }]))
    const made = temporary.store.list()[0]
    assert.equal((await temporary.store.pull(made?.references[0] ?? '')).id, made?.id)
    assert.equal((await temporary.store.pull('test:1')).id, made?.id)
    assert.ok(existsSync(temporary.root))
  })

  test('frames of zstd and members of gzip in one layer', async () => {
    using temporary = new TemporaryStore()
    const cut = (pack: (bytes: Uint8Array) => Uint8Array) => (tar: Uint8Array) =>
      Buffer.concat([pack(tar.subarray(0, 700)), pack(tar.subarray(700))])
    for (const [tag, pack] of [
      ['gzip', cut(gzipSync)],
      ['zstd', cut(zstdCompressSync)],
    ] as const) {
      const made = ociImage(SMALL, pack)
      await registry.put('pieces', tag, made.manifest, made.blobs)
      const image = await temporary.store.pull(`${registry.host}/pieces:${tag}`)
      assert.equal(readFileSync(join(temporary.topLayer(image), 'etc/two'), 'utf8'), '2')
      await temporary.store.remove(image.id, { inUse: () => false })
    }
  })
})
