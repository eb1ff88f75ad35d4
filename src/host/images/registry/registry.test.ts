import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseToml } from '../../sys/toml.ts'
import { parseChallenges } from './challenge.ts'
import { isLoopback } from './http.ts'
import { parseRules, sourcesFor } from './registries-conf.ts'

describe('challenges', () => {
  test('docker hub', () => {
    const header =
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull"'
    assert.deepEqual(parseChallenges(header), [
      {
        scheme: 'bearer',
        parameters: {
          realm: 'https://auth.docker.io/token',
          service: 'registry.docker.io',
          scope: 'repository:library/nginx:pull',
        },
      },
    ])
  })
  test('several, quoted commas, escapes, tokens without quotes, odd case', () => {
    assert.deepEqual(
      parseChallenges(
        'BASIC Realm="a, \\"b\\"" , Bearer realm=https://x/t?a,scope="repository:a:pull,push", Negotiate',
      ),
      [
        { scheme: 'basic', parameters: { realm: 'a, "b"' } },
        { scheme: 'bearer', parameters: { realm: 'https://x/t?a', scope: 'repository:a:pull,push' } },
        { scheme: 'negotiate', parameters: {} },
      ],
    )
  })
  test('nonsense is nothing', () => {
    for (const header of ['', ',,,', '"', '=', 'Bearer realm="unclosed'])
      assert.ok(parseChallenges(header).every(({ parameters }) => parameters.realm === undefined))
  })
})

describe('TOML as container tools write it', () => {
  test('tables, arrays of tables, arrays over lines, comments in strings', () => {
    const text = `
# a comment
unqualified-search-registries = [
  "docker.io", # here too
  'quay.io',
]
short-name-mode = "enforcing"
[[registry]]
prefix = "a # b"
insecure = true
[[registry.mirror]]
location = "m1"
[[registry.mirror]]
location = "m2"
[[registry]]
location = "c"
[aliases]
"x.y" = "z\\u0041"
n = 1_000
`
    assert.deepEqual(JSON.parse(JSON.stringify(parseToml(text))), {
      'unqualified-search-registries': ['docker.io', 'quay.io'],
      'short-name-mode': 'enforcing',
      registry: [
        { prefix: 'a # b', insecure: true, mirror: [{ location: 'm1' }, { location: 'm2' }] },
        { location: 'c' },
      ],
      aliases: { 'x.y': 'zA', n: 1000 },
    })
  })
  for (const text of ['a', '= 1', 'a = ', 'a = [1', 'a = "x" y', '[a', '[[a]', 'a = nope', 'a = 1\na.b = 2']) {
    test(`refuses ${JSON.stringify(text)} with its line`, () => {
      assert.throws(() => parseToml(text), /^SyntaxError: line \d/)
    })
  }
  test('names of Object.prototype are only names', () => {
    parseToml('[__proto__]\npolluted = "x"\n[constructor]\na = 1')
    assert.equal(({} as { polluted?: string }).polluted, undefined)
  })
})

describe('registries.conf', () => {
  const rules = parseRules(`
[[registry]]
location = "docker.io"
[[registry.mirror]]
location = "mirror.example:5000"
pull-from-mirror = "digest-only"
[[registry]]
prefix = "docker.io/library"
location = "hub.example/official"
insecure = true
[[registry]]
prefix = "*.corp.example"
insecure = true
[[registry]]
location = "bad.example"
blocked = true
`)
  const asked = (repository: string, isDigest = false): readonly string[] =>
    sourcesFor(rules, repository, isDigest).map(source => `${source.repository}${source.insecure ? ' insecure' : ''}`)
  test('the longest prefix decides, at path boundaries', () => {
    assert.deepEqual(asked('docker.io/library/nginx'), ['hub.example/official/nginx insecure'])
    assert.deepEqual(asked('docker.io/librarian/x'), ['docker.io/librarian/x'])
    assert.deepEqual(asked('docker.iox/a'), ['docker.iox/a'])
  })
  test('mirrors for digests only', () => {
    assert.deepEqual(asked('docker.io/me/x', true), ['mirror.example:5000/me/x', 'docker.io/me/x'])
    assert.deepEqual(asked('docker.io/me/x', false), ['docker.io/me/x'])
  })
  test('wildcards cover subdomains', () => {
    assert.deepEqual(asked('a.b.corp.example/x'), ['a.b.corp.example/x insecure'])
    assert.deepEqual(asked('corp.example/x'), ['corp.example/x'])
    assert.deepEqual(asked('evilcorp.example/x'), ['evilcorp.example/x'])
  })
  test('blocked ones are refused', () => {
    assert.throws(() => asked('bad.example/x'), { code: 'RegistryBlocked' })
  })
})

test('loopback is what nobody else can answer for', () => {
  for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '[::1]', 'x.localhost']) assert.ok(isLoopback(host), host)
  for (const host of ['127.0.0.1.example', 'localhost.example', '10.0.0.1', '[::2]', 'mylocalhost'])
    assert.ok(!isLoopback(host), host)
})
