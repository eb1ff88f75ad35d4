import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { findInCode, type Import, importsOf, parseSource, readSources, type Source } from './source.ts'

/**
 * Where imports may lead. A name is a folder of `src` or a file in it; everything may import itself. The order is that
 * of the flow, so nothing may lead to a name that stands above it but through the two that put the whole together.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  'main.ts': ['cli', 'diagnostic.ts'],
  'index.ts': ['cli', 'engine', 'workloads', 'status', 'generate', 'reconcile', 'plan', 'manifest', 'diagnostic.ts'],
  cli: [
    'host',
    'supervisor',
    'engine',
    'workloads',
    'status',
    'generate',
    'reconcile',
    'plan',
    'manifest',
    'image-reference.ts',
    'diagnostic.ts',
  ],
  supervisor: ['engine', 'workloads', 'status', 'reconcile', 'plan', 'diagnostic.ts'],
  host: ['engine', 'status', 'reconcile', 'plan', 'image-reference.ts', 'diagnostic.ts'],
  engine: ['workloads', 'status', 'reconcile', 'plan', 'manifest', 'diagnostic.ts'],
  generate: ['status', 'plan', 'manifest', 'diagnostic.ts'],
  status: ['workloads', 'plan', 'manifest', 'diagnostic.ts'],
  workloads: ['plan', 'manifest', 'diagnostic.ts'],
  reconcile: ['plan', 'diagnostic.ts'],
  plan: ['manifest', 'diagnostic.ts'],
  manifest: ['image-reference.ts', 'diagnostic.ts'],
  'image-reference.ts': ['diagnostic.ts'],
  'diagnostic.ts': [],
}

/** Values in, values out: no files, network, clock, chance or process. */
const PURE = ['diagnostic.ts', 'image-reference.ts', 'manifest', 'plan', 'reconcile', 'workloads', 'status', 'generate']

/** What a pure file may have of Node.js: it computes and no more. */
const PURE_BUILTINS = ['node:crypto', 'node:path/posix', 'node:util', 'node:url', 'node:buffer']

/** Where the adapters meet. */
const BUILDERS_OF_THE_HOST = ['src/cli/host.ts']

const ADAPTERS = ['images', 'network', 'runtime', 'volumes', 'state']

/** What adapters share: arithmetic of addresses, and where the kernel keeps its control groups. */
const SHARED = ['src/host/network/subnet.ts', 'src/host/runtime/cgroups.ts']

/** The one file that may import a package, and where it is not one file, the folders. */
const HOMES: Readonly<Record<string, readonly string[]>> = {
  koffi: ['src/host/sys/foreign.ts'],
  netlink: ['src/host/network/netlink-socket.ts'],
  commander: ['src/cli/'],
  yaml: ['src/manifest/'],
  'node:sqlite': ['src/host/'],
  '#validators': ['src/manifest/'],
}

/** What each file may take of the process beyond computing. Ending it and its streams belong to main.ts alone. */
const PROCESS: readonly { readonly in: RegExp; readonly allowed: RegExp }[] = [
  { in: /^src\/main\.ts$/, allowed: /./ },
  // Which directories are the user's, and with what the supervisor is started.
  { in: /^src\/cli\/host\.ts$/, allowed: /^(env|getuid|execPath|umask)$/ },
  // Starts the same program again with other arguments.
  { in: /^src\/cli\/respawn\.ts$/, allowed: /^(execPath|execArgv|argv)$/ },
  // The supervisor says who it is, is waked and is ended by its process id.
  { in: /^src\/cli\/supervise\.ts$/, allowed: /^pid$/ },
  { in: /^src\/cli\/(wake-supervisor|system-reset)\.ts$/, allowed: /^kill$/ },
  { in: /^src\/cli\/system-info\.ts$/, allowed: /^version$/ },
  // A clock.
  { in: /^src\/engine\/monotonic\.ts$/, allowed: /^hrtime$/ },
  // The machine as this process sees it.
  { in: /^src\/host\//, allowed: /^(env|getuid|geteuid|getgid|pid|kill|arch|cwd|chdir|execPath)$/ },
  // Programs that were started end with a signal.
  { in: /^src\/host\/sys\/launch\.ts$/, allowed: /^on$/ },
  // An image archive can be piped in; it may be too large to be handed over as a whole.
  { in: /^src\/host\/sys\/input\.ts$/, allowed: /^stdin$/ },
  // A program of its own, whose exit is that of its thread.
  { in: /^src\/host\/images\/unpack\/worker\.ts$/, allowed: /^(on|exit)$/ },
]

const sources = readSources('src').filter(source => !source.isTest)

/** `src/plan/types.ts` is of `plan`, `src/main.ts` of `main.ts`. */
function areaOf(path: string): string {
  return path.split('/')[1] ?? path
}

function packageOf(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}

/** Applies a rule to each import of each file: what it returns is what is wrong. */
function violations(
  files: readonly Source[],
  rule: (path: string, imported: Import) => string | undefined,
): readonly string[] {
  return files.flatMap(({ path, imports }) =>
    imports.flatMap(imported => {
      const wrong = rule(path, imported)
      return wrong === undefined ? [] : [`${path}: ${imported.specifier}: ${wrong}`]
    }),
  )
}

function againstArrows(path: string, { file }: Import): string | undefined {
  if (file === undefined) return undefined
  if (!file.startsWith('src/')) return 'outside src'
  const [from, to] = [areaOf(path), areaOf(file)]
  if (from === to || ARROWS[from]?.includes(to)) return undefined
  return `${from} may not import ${to}`
}

suite('imports', () => {
  test('are all seen', () => {
    const text = [
      "import { a } from './a.ts'",
      "import type { B } from './b.ts'",
      "export type { B } from './b.ts'",
      "export * from '../c.ts'",
      "import 'node:fs'",
      "const d = await import('./d.ts')",
      "type E = typeof import('./e.ts')",
      "const f = createRequire(import.meta.url)('koffi')",
      "// import './not.ts'",
      "/* import('./not.ts') */",
    ].join('\n')
    assert.deepEqual(
      importsOf('src/x/y.ts', text).map(({ specifier, file, typeOnly }) => [file ?? specifier, typeOnly]),
      [
        ['src/x/a.ts', false],
        ['src/x/b.ts', true],
        ['src/x/b.ts', true],
        ['src/c.ts', false],
        ['node:fs', false],
        ['src/x/d.ts', false],
        ['src/x/e.ts', true],
        ['koffi', false],
      ],
    )
    assert.ok(sources.length > 50, `only ${sources.length} sources`)
    assert.ok(sources.flatMap(source => source.imports).length > 200)
  })

  test('a folder that no arrow knows is an error', () => {
    const areas = [...new Set(sources.map(source => areaOf(source.path)))]
    assert.deepEqual(
      areas.filter(area => !(area in ARROWS)),
      [],
    )
  })

  test('point one way', () => {
    const planted = parseSource('src/plan/planted.ts', "import { decide } from '../reconcile/decide.ts'")
    assert.equal(violations([planted], againstArrows).length, 1)
    assert.deepEqual(violations(sources, againstArrows), [])
  })

  test('only the builder of the host knows adapters, and no adapter knows another', () => {
    const found = violations(sources, (path, { file }) => {
      const [, area, adapter = ''] = file?.split('/') ?? []
      if (area !== 'host' || BUILDERS_OF_THE_HOST.includes(path)) return undefined
      if (areaOf(path) !== 'host') {
        // Where things are, and what a store hands out, are words.
        return path.startsWith('src/cli/') ? undefined : 'an adapter'
      }
      const from = path.split('/')[2] ?? ''
      // A file beside the folders puts adapters together.
      if (from === adapter || from.endsWith('.ts')) return undefined
      if (!ADAPTERS.includes(adapter) || SHARED.includes(file ?? '')) return undefined
      return `host/${from} may not import host/${adapter}`
    })
    assert.deepEqual(found, [])
  })

  test('of packages stay where they belong', () => {
    const found = violations(sources, (path, { specifier, file, typeOnly }) => {
      if (file !== undefined) return undefined
      const homes = HOMES[packageOf(specifier)]
      if (homes !== undefined) return homes.some(home => path.startsWith(home)) ? undefined : `only in ${homes}`
      if (specifier !== '@kubernetes/client-node' && !specifier.startsWith('@kubernetes/client-node/')) return undefined
      // It takes a third of a second to load.
      return typeOnly || path.startsWith('src/cli/cluster/') ? undefined : 'only its types'
    })
    assert.deepEqual(found, [])
  })

  test('of pure files bring no effects', () => {
    const pure = sources.filter(source => PURE.includes(areaOf(source.path)))
    const found = violations(pure, (_, { specifier, typeOnly }) =>
      !specifier.startsWith('node:') || typeOnly || PURE_BUILTINS.includes(specifier) ? undefined : 'an effect',
    )
    assert.deepEqual(found, [])
  })
})

suite('globals', () => {
  test('pure files have no clock, no chance, no timers and no process', () => {
    const effects =
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\b\.|\b(?:setTimeout|setInterval|setImmediate|fetch)\(|\brandom(?:UUID|Bytes|Int)\(|\bprocess\s*\.|\bconsole\./g
    const planted = parseSource(
      'src/plan/planted.ts',
      'const at = Date.now() // process.exit\nconst s = `$' + '{process.pid}`',
    )
    assert.deepEqual(findInCode(planted, effects), [
      'src/plan/planted.ts:1: Date.now',
      'src/plan/planted.ts:2: process.',
    ])
    const pure = sources.filter(source => PURE.includes(areaOf(source.path)))
    assert.ok(pure.length > 30)
    assert.deepEqual(
      pure.flatMap(source => findInCode(source, effects)),
      [],
    )
  })

  test('the process is taken only where the table says', () => {
    const found = sources.flatMap(source => {
      const rules = PROCESS.filter(rule => rule.in.test(source.path))
      return findInCode(source, /\bprocess\??\.\w+/g).filter(use => {
        const property = use.slice(use.lastIndexOf('.') + 1)
        return !rules.some(rule => rule.allowed.test(property))
      })
    })
    assert.deepEqual(found, [])
  })

  test('only main.ts and adapters destructure the process, nobody writes to a console', () => {
    const found = sources.flatMap(source => [
      ...findInCode(source, /\bconsole\.\w+/g),
      ...(/^src\/(main\.ts|host\/)/.test(source.path) ? [] : findInCode(source, /=\s*process\b(?!\s*[.?])/g)),
    ])
    assert.deepEqual(found, [])
  })
})
