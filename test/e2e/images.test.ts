/** The verbs for images, and images on their way into pods. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Image } from '../../src/host/images/types.ts'
import { useBlockingKube } from '../support/blocking-kube.ts'
import { busyboxRootfs } from '../support/busybox-rootfs.ts'
import { FaultyProxy } from '../support/faulty-proxy.ts'
import { dockerArchive } from '../support/image-archive.ts'
import { IMAGE } from '../support/instance.ts'
import { cannotRunPods, lacking } from '../support/need.ts'
import { TestRegistry } from '../support/registry.ts'
import { tarOf } from '../support/tar-writer.ts'

const ARCHIVE = dockerArchive([
  {
    layers: [busyboxRootfs(), tarOf([{ path: 'www/' }, { path: 'www/pulled', data: 'yes' }])],
    config: { Cmd: ['sleep', '600'] },
    tags: ['pulled:1'],
  },
])

describe('images on the command line', { skip: cannotRunPods }, () => {
  const kube = useBlockingKube()

  test('a table as podman prints it, IDs, JSON', () => {
    const [header, row] = kube.ok('images').split('\n')
    assert.match(header ?? '', /^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$/)
    assert.match(row ?? '', /^localhost\/busybox +test +[0-9a-f]{12} +.* ago +[\d.]+ MB$/)
    const [image] = JSON.parse(kube.ok('images', '-o', 'json')) as readonly Image[]
    assert.deepEqual(image?.references, [IMAGE])
    assert.equal(kube.ok('images', '-q').trim(), image?.id.slice(7, 19))
    assert.equal(kube.ok('images', '-q', '--no-trunc', 'busybox').trim(), image?.id)
    assert.equal(kube.ok('images', '--no-headers', 'other'), '')
  })

  test('load, tag, rmi, prune', () => {
    const archive = kube.file('images.tar', ARCHIVE)
    assert.equal(kube.ok('load', '-i', archive), 'Loaded image: docker.io/library/pulled:1\n')
    kube.ok('tag', 'pulled:1', 'mine', 'quay.io/me/x:2')
    assert.equal(kube.ok('rmi', 'mine'), 'Untagged: localhost/mine:latest\n')
    const both = kube.run('rmi', 'gone:1', 'quay.io/me/x:2')
    assert.equal(both.status, 1)
    assert.match(both.stderr, /^kube: image gone:1: not in the store/)
    assert.equal(both.stdout, 'Untagged: quay.io/me/x:2\n')
    assert.match(kube.ok('rmi', 'pulled:1'), /^Untagged: docker.io\/library\/pulled:1\nDeleted: sha256:[0-9a-f]{64}\n$/)
    assert.equal(kube.ok('image', 'prune'), 'Freed: 0 B\n')
    kube.ok('import', kube.file('a.tar', tarOf([{ path: 'a', data: 'a' }])), 'moved:1')
    kube.ok('import', kube.file('b.tar', tarOf([{ path: 'b', data: 'b' }])), 'moved:1')
    assert.match(kube.ok('images'), /<none> +<none>/)
    assert.match(kube.ok('image', 'prune'), /^Deleted: sha256/)
    assert.doesNotMatch(kube.ok('images'), /<none>/)
  })

  test('wrong usage is status 2, what is missing 1, with what to do', () => {
    for (const [args, status, text] of [
      [['load', '-i', '/nonexistent.tar'], 1, /^kube: load \/nonexistent.tar: no such file\n/],
      [['import', '/nonexistent.tar', 'x:1'], 1, /no such file/],
      [['import', '/etc/hostname', 'X:1'], 1, /must be lowercase\n {2}hint: write "x:1"/],
      [['import', '/etc/hostname', 'x:1'], 1, /not a tar archive/],
      [['import', '/etc/hostname', 'x:1', '-c', 'RUN ls'], 2, /RUN is not an instruction/],
      [
        ['pull', '127.0.0.1:1/x:1'],
        1,
        /^kube: pull 127.0.0.1:1\/x:1: registry 127.0.0.1:1: connection refused\n {2}hint/,
      ],
      [['pull', '--platform', 'amd64', 'x'], 2, /os\/arch/],
      [['pull', '--tls-verify=maybe', 'x'], 2, /true or false/],
      [['rmi'], 2, /name an image/],
      [['tag', 'gone:1', 'x'], 1, /not in the store/],
    ] as const) {
      const result = kube.run(...args)
      assert.equal(result.status, status, `${args.join(' ')}: ${result.stderr}`)
      assert.match(result.stderr, text)
      assert.doesNotMatch(result.stderr, /\n {4}at /)
    }
  })

  describe('with a registry', { skip: cannotRunPods || lacking('docker-registry', 'skopeo') }, () => {
    let registry: TestRegistry
    let proxy: FaultyProxy
    before(async () => {
      registry = await TestRegistry.start()
      proxy = await FaultyProxy.start(registry.host)
      await registry.push(`docker-archive:${kube.file('push.tar', ARCHIVE)}`, 'pulled:1')
    })
    after(async () => {
      await proxy?.[Symbol.asyncDispose]()
      await registry?.[Symbol.asyncDispose]()
    })

    test('play pulls what is missing; rmi refuses what runs', () => {
      const manifest = kube.file(
        'pulled.yaml',
        `apiVersion: v1
kind: Pod
metadata: { name: pulled }
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - { name: main, image: "${registry.host}/pulled:1" }
`,
      )
      kube.ok('play', manifest)
      try {
        const [image] = JSON.parse(kube.ok('images', '-o', 'json', 'pulled')).concat(
          JSON.parse(kube.ok('images', '-o', 'json', `${registry.host}/pulled`)),
        ) as Image[]
        assert.equal(image?.layers.length, 2)
        const refused = kube.run('rmi', `${registry.host}/pulled:1`)
        assert.equal(refused.status, 1)
        assert.match(refused.stderr, /a container uses it/)
        assert.match(kube.ok('rmi', '-f', `${registry.host}/pulled:1`), /^Untagged: .*\n$/)
        assert.equal(kube.ok('image', 'prune'), 'Freed: 0 B\n', 'its files are in use')
      } finally {
        kube.ok('down', manifest)
      }
      assert.match(kube.ok('image', 'prune'), /^Deleted: sha256/)
    })

    test('an interrupted pull leaves nothing and says 130', async () => {
      const { promise: forever, resolve: end } = Promise.withResolvers<void>()
      const { promise: stalled, resolve: stalling } = Promise.withResolvers<void>()
      proxy.fault = ({ url }) => {
        if (!url.includes('/blobs/')) return undefined
        stalling()
        return { kind: 'stall', until: forever }
      }
      const child = kube.start(['pull', `${proxy.host}/pulled:1`])
      await Promise.race([stalled, child.ended])
      const { status } = await child.interrupt()
      end()
      assert.equal(status, 130)
      assert.deepEqual(readdirSync(join(kube.root, 'images/tmp')), [])
      assert.deepEqual(readdirSync(join(kube.root, 'images/locks')), [])
    })
  })
})
