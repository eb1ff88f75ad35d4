/** Who may pull, and from where: passwords, tokens, certificates, mirrors. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { causeChain, KubeError } from '../../src/diagnostic.ts'
import { dockerArchive, type TestImage } from '../support/image-archive.ts'
import { lacking } from '../support/need.ts'
import { PASSWORD, TestRegistry, USER } from '../support/registry.ts'
import { tarOf } from '../support/tar-writer.ts'
import { TemporaryStore } from '../support/temporary-store.ts'

const SMALL: TestImage = { layers: [tarOf([{ path: 'one', data: '1' }]), tarOf([{ path: 'two', data: '2' }])] }

describe('access to registries', { skip: lacking('docker-registry', 'skopeo', 'openssl') }, () => {
  let registry: TestRegistry
  let archives: TemporaryStore
  before(async () => {
    archives = new TemporaryStore()
    registry = await TestRegistry.start()
    await registry.push(`docker-archive:${archives.file(dockerArchive([{ ...SMALL, tags: ['s:1'] }]))}`, 'team/large:1')
  })
  after(async () => {
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

  describe('passwords', () => {
    const NONE = { REGISTRY_AUTH_FILE: '', XDG_RUNTIME_DIR: '', HOME: '/nonexistent' }
    const kept = new Map<string, string | undefined>()
    before(() => {
      // Nothing of this machine's user shall decide.
      for (const [name, value] of Object.entries(NONE)) {
        kept.set(name, process.env[name])
        process.env[name] = value
      }
    })
    after(() => {
      for (const [name, value] of kept) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    })
    const entry = (user: string, password: string) => ({ auth: Buffer.from(`${user}:${password}`).toString('base64') })
    const authText = (host: string, user = USER, password = PASSWORD): string =>
      JSON.stringify({ auths: { [host]: entry(user, password) } })

    test('basic: from options, secrets and files, the right one among several', async () => {
      await using locked = await TestRegistry.start({ auth: 'htpasswd' })
      using temporary = new TemporaryStore()
      const { store } = temporary
      const name = `${locked.host}/private/small:1`
      await locked.push(
        `docker-archive:${archives.file(dockerArchive([{ ...SMALL, tags: ['s:1'] }]))}`,
        'private/small:1',
      )
      await fails(store.pull(name), 'RegistryUnauthorized', /wants a user name and a password.*authfile/)
      await fails(
        store.pull(name, { credentials: 'alice:wrong' }),
        'RegistryUnauthorized',
        /unauthorized|authentication/,
      )
      await fails(store.pull(name, { credentials: 'alice' }), 'InvalidCredentials', /USER:PASSWORD/)
      await store.pull(name, { credentials: `${USER}:${PASSWORD}` })
      const authFile = temporary.file(Buffer.from(authText(locked.host)))
      await store.pull(name, { authFile })
      const specific = temporary.file(
        Buffer.from(
          JSON.stringify({
            auths: { [locked.host]: entry('bob', 'wrong'), [`${locked.host}/private`]: entry(USER, PASSWORD) },
          }),
        ),
      )
      await store.pull(name, { authFile: specific })
      await store.pull(name, {
        authTexts: [
          authText('other.example'),
          authText(locked.host, 'bob', 'wrong'),
          authText(`https://${locked.host}/v2/`),
        ],
      })
      await fails(
        store.pull(name, { authTexts: [authText(locked.host, 'bob', 'wrong')] }),
        'RegistryUnauthorized',
        /unauthorized|authentication/,
      )
      await fails(store.pull(name, { authFile: '/nonexistent/auth.json' }), 'AuthFileInvalid', /cannot be read/)
      const secret = Buffer.from('{"auths": {"x": {"auth": "c2VjcmV0"')
      await assert.rejects(store.pull(name, { authFile: temporary.file(secret) }), (error: unknown) => {
        assert.ok(error instanceof KubeError)
        assert.equal(error.code, 'AuthFileInvalid')
        assert.doesNotMatch(causeChain(error), /c2VjcmV0/)
        return true
      })
      const home = join(temporary.directory, 'home')
      mkdirSync(join(home, '.docker'), { recursive: true })
      writeFileSync(join(home, '.docker/config.json'), authText(locked.host))
      process.env.HOME = home
      await store.pull(name)
      process.env.HOME = NONE.HOME
    })

    test('a credential helper is asked, and missed', async () => {
      await using locked = await TestRegistry.start({ auth: 'htpasswd' })
      using temporary = new TemporaryStore()
      await locked.push(`docker-archive:${archives.file(dockerArchive([{ ...SMALL, tags: ['s:1'] }]))}`, 'small:1')
      const bin = join(temporary.directory, 'bin')
      mkdirSync(bin)
      const helper = `#!/bin/sh\nread -r server\n[ "$1 $server" = "get ${locked.host}" ] && echo '{"Username":"${USER}","Secret":"${PASSWORD}"}'\n`
      writeFileSync(join(bin, 'docker-credential-kubetest'), helper, { mode: 0o755 })
      const config = (name: string): string =>
        temporary.file(Buffer.from(JSON.stringify({ credHelpers: { [locked.host]: name } })))
      const path = process.env.PATH
      process.env.PATH = `${bin}:${path}`
      try {
        await temporary.store.pull(`${locked.host}/small:1`, { authFile: config('kubetest') })
        await fails(
          temporary.store.pull(`${locked.host}/small:1`, { authFile: config('gone') }),
          'CredentialHelperMissing',
          /docker-credential-gone.*not installed/,
        )
        await fails(
          temporary.store.pull(`${locked.host}/small:1`, { authFile: config('../x') }),
          'AuthFileInvalid',
          /not a program/,
        )
      } finally {
        process.env.PATH = path
      }
    })

    test('bearer tokens: anonymous, with a password, with a refresh token', async () => {
      await using locked = await TestRegistry.start({ auth: 'token' })
      using temporary = new TemporaryStore()
      const archive = `docker-archive:${archives.file(dockerArchive([{ ...SMALL, tags: ['s:1'] }]))}`
      await locked.push(archive, 'public/small:1')
      await locked.push(archive, 'private/small:1')
      locked.tokenRequests.length = 0
      await temporary.store.pull(`${locked.host}/public/small:1`)
      assert.equal(locked.tokenRequests.length, 1, 'one token does for all requests')
      const [request] = locked.tokenRequests
      assert.equal(request?.parameters.get('service'), 'kube test registry')
      assert.equal(request?.parameters.get('scope'), 'repository:public/small:pull')
      assert.equal(request?.authorization, undefined)
      const name = `${locked.host}/private/small:1`
      await fails(temporary.store.pull(name), 'RegistryUnauthorized', /unauthorized/)
      await fails(
        temporary.store.pull(name, { credentials: 'alice:wrong' }),
        'RegistryUnauthorized',
        /refuses the user name or password/,
      )
      await temporary.store.pull(name, { credentials: `${USER}:${PASSWORD}` })
      const identity = JSON.stringify({ auths: { [locked.host]: { auth: '', identitytoken: 'refresh-me' } } })
      locked.tokenRequests.length = 0
      await temporary.store.pull(name, { authTexts: [identity] })
      assert.equal(locked.tokenRequests[0]?.parameters.get('grant_type'), 'refresh_token')
    })
  })

  test('TLS on loopback needs no trust, a name elsewhere does', async () => {
    await using secure = await TestRegistry.start({ tls: true })
    using temporary = new TemporaryStore()
    await secure.push(`docker-archive:${archives.file(dockerArchive([{ ...SMALL, tags: ['s:1'] }]))}`, 'small:1')
    const image = await temporary.store.pull(`${secure.host}/small:1`)
    assert.equal(image.layers.length, 2)
  })

  test('registries.conf: mirrors are asked first, blocked registries not at all', async () => {
    using temporary = new TemporaryStore()
    const conf = `
unqualified-search-registries = ["docker.io"] # not used
[[registry]]
prefix = "mirrored.invalid/team"
location = "127.0.0.1:1/nowhere"
[[registry.mirror]]
location = "127.0.0.1:1"
[[registry.mirror]]
location = "${registry.host}/team"
insecure = true
[[registry]]
location = "blocked.invalid"
blocked = true
`
    const path = temporary.file(Buffer.from(conf))
    process.env.CONTAINERS_REGISTRIES_CONF = path
    try {
      const image = await temporary.store.pull('mirrored.invalid/team/large:1')
      assert.deepEqual(image.references, ['mirrored.invalid/team/large:1'])
      await fails(temporary.store.pull('mirrored.invalid/team/gone:1'), 'RegistryUnreachable', /127\.0\.0\.1:1/)
      await fails(temporary.store.pull('blocked.invalid/x:1'), 'RegistryBlocked', /blocked/)
      writeFileSync(path, '[[registry]\n')
      await fails(temporary.store.pull('x.invalid/x:1'), 'RegistriesConfInvalid', /line 1/)
    } finally {
      delete process.env.CONTAINERS_REGISTRIES_CONF
    }
  })
})
