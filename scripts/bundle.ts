/**
 * The bundles of `dist/`: the command (`kube.cjs` and what it loads from `parts/`), the library (`index.js`) and the
 * thread that unpacks layers.
 *
 * The command is split as ES modules, so that each verb loads only what it needs, but its parts are written as CommonJS
 * scripts, because Node.js can be handed a code cache only for a script: its own compile cache is kept per user, so it
 * could not be filled here for whoever runs `kube` later, and would leave another user's files in `dist/`.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type BuildOptions, build, type Metafile, type Plugin, transform } from 'esbuild'
import { copyNativeAddons, NATIVE, nativeAddons } from './native-addons.ts'

/** What only the commands that talk to a cluster load: found in node_modules when first needed. */
const external = ['@kubernetes/client-node']

/** What a part is given in place of what a module has by itself. */
const parameters = 'exports, require, module, __filename, __dirname, __url'

function commonOptions(top: string) {
  const { version } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')) as { readonly version: string }
  return {
    absWorkingDir: top,
    bundle: true,
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'error',
    write: false,
    outdir: 'dist',
    // The same code as modules, of which the unused half is left out, and without a look at the environment per token.
    alias: { yaml: join(top, 'node_modules', 'yaml', 'browser', 'index.js') },
    define: { __KUBE_VERSION__: JSON.stringify(version) },
  } as const satisfies BuildOptions
}

/** So that a `kube` that starts meanwhile reads the old file or the new one. */
function replaceFile(path: string, content: string | Uint8Array): void {
  const unfinished = `${path}.${process.pid}`
  writeFileSync(unfinished, content)
  renameSync(unfinished, path)
}

/** A command that runs while its parts are replaced may still load one of its own. */
const KEEP_MS = 3_600_000

function removeOthers(folder: string, isNeeded: (name: string) => boolean): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (!isNeeded(name) && statSync(path).mtimeMs < Date.now() - KEEP_MS) rmSync(path, { recursive: true })
  }
}

/** What Node.js has loaded by itself when a script begins. */
const LOADED_AT_START = new Set(['buffer', 'events', 'fs', 'path', 'timers', 'url', 'util', 'vm'])

/**
 * Loads the other modules of Node.js when something of them is first used and not when a file that names them is: each
 * takes up to four milliseconds, and a command uses few of them.
 */
const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup(context) {
    const namespace = 'lazy-builtin'
    // What is imported by import() is lazy already, and would lose its named exports.
    context.onResolve({ filter: /^node:/ }, ({ path, namespace: importer, kind }) =>
      importer === namespace || kind === 'dynamic-import' || LOADED_AT_START.has(path.slice('node:'.length))
        ? { path, external: true, sideEffects: false }
        : { path, namespace },
    )
    // What everybody has as a global.
    context.onLoad({ filter: /^node:process$/, namespace }, () => ({ contents: 'module.exports = process' }))
    context.onLoad({ filter: /./, namespace }, async ({ path }) => {
      const names = Object.keys((await import(path)) as object).filter(name => name !== 'default')
      const getters = names.map(name => `get ${name}() { return load().${name} }`)
      return {
        contents: `let loaded
const load = () => loaded ??= require(${JSON.stringify(path)})
module.exports = { ${getters.join(', ')} }`,
      }
    })
  },
}

/** A module as a script: one function of what a module has by itself. */
async function toScript(code: string): Promise<string> {
  const result = await transform(code, {
    format: 'cjs',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    // A script with a code cache has no import() of its own.
    supported: { 'dynamic-import': false },
    define: {
      'import.meta.url': '__url',
      'import.meta.dirname': '__dirname',
      'import.meta.filename': '__filename',
    },
  })
  // Copying all that a module of Node.js has, as it would be done for a default import, loads what is rarely used of it.
  const script = result.code.replace(
    /__toESM\(require\("(node:\w+)"\)\)/g,
    'Object.create(require("$1"),{default:{value:require("$1")}})',
  )
  return `(function (${parameters}) {${script}})`
}

/** What usual commands load: these modules, what they import, and what that imports. */
const HOT_ENTRIES = [
  'src/cli/program.ts',
  'src/cli/play.ts',
  'src/cli/down.ts',
  'src/cli/held-host.ts',
  'build/validators/pod.js',
  'build/validators/pod-spec.js',
]

/** What commands that look at pods load besides. */
const LOOKING_ENTRIES = ['src/cli/get.ts']

/** What the supervisor loads; it is started anew for each container that ends, and its next run waits for that. */
const WATCHING_ENTRIES = ['src/cli/supervise.ts', 'src/cli/held-host.ts']

/** The parts that a part needs at once, itself first, as far as they are not in `but`. */
function partsOf(entry: string, outputs: Metafile['outputs'], but: ReadonlySet<string> = new Set()): readonly string[] {
  const found = new Set<string>()
  const visit = (path: string): void => {
    const name = basename(path)
    if (found.has(name) || but.has(name)) return
    found.add(name)
    for (const { path: next, kind, external } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && external !== true) visit(next)
    }
  }
  visit(entry)
  return [...found]
}

function outputOf(source: string, outputs: Metafile['outputs']): string {
  const found = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === source)
  if (!found) throw new Error(`esbuild made no part of ${source}`)
  return found[0]
}

/** A script of several parts. */
interface Hot {
  readonly file: string
  readonly code: string
  readonly parts: readonly string[]
  /** All of its functions are compiled beforehand, not only those that the first runs need. */
  readonly whole: boolean
}

function hotScript(name: string, parts: ReadonlyMap<string, string>, whole: boolean): Hot {
  const entries = [...parts].map(([part, code]) => `${JSON.stringify(part)}: ${code}`)
  const code = `({ ${entries.join(',\n')} })`
  const file = `${name}-${createHash('sha256').update(code).digest('hex').slice(0, 8)}.js`
  return { file, code, parts: [...parts.keys()], whole }
}

/** Code that the first runs can run, because it touches nothing: what reads and plans manifests. */
const PURE = /^(build\/validators|src\/(manifest|plan|workloads|generate|status|reconcile)|.*node_modules\/yaml)\//

/** From this share on, a part counts as pure. What else is in it would be compiled only when a command needs it. */
const PURE_SHARE = 0.9

function pick(scripts: ReadonlyMap<string, string>, names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map(name => [name, scripts.get(name)!]))
}

/**
 * Two scripts instead of some sixty files. What reads manifests is large, and any one manifest needs little of it; what acts on
 * the machine can't be run while building, and a play needs most of it.
 */
function hotScripts(
  names: Iterable<string>,
  scripts: ReadonlyMap<string, string>,
  outputs: Metafile['outputs'],
): readonly Hot[] {
  const pure = new Map<string, string>()
  const acting = new Map<string, string>()
  for (const name of names) {
    const inputs = Object.entries(outputs[`dist/${name}`]!.inputs)
    const bytes = inputs.reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0)
    const pureBytes = inputs.reduce((sum, [path, { bytesInOutput }]) => sum + (PURE.test(path) ? bytesInOutput : 0), 0)
    const group = pureBytes >= bytes * PURE_SHARE ? pure : acting
    group.set(name, scripts.get(name)!)
  }
  return [hotScript('hot-reading', pure, false), hotScript('hot-acting', acting, true)]
}

/** The supervisor's parts once more, by themselves: it needs a small part of what other commands need. */
function watchingScript(
  scripts: ReadonlyMap<string, string>,
  outputs: Metafile['outputs'],
  start: ReadonlySet<string>,
): Hot {
  const names = new Set(WATCHING_ENTRIES.flatMap(source => partsOf(outputOf(source, outputs), outputs, start)))
  return hotScript('hot-watching', pick(scripts, [...names]), true)
}

function homesOf(hots: readonly Hot[]): string {
  return JSON.stringify(Object.fromEntries(hots.flatMap(({ file, parts }) => parts.map(part => [part, file]))))
}

/** The start of the command. What it starts with is by itself, so that `--version` and `--help` need nothing else. */
function loaderCode(main: string, hots: readonly Hot[], watching: Hot): string {
  return `'use strict'
const { readFileSync } = require('node:fs')
const { Script } = require('node:vm')
const url = require('node:url').pathToFileURL(__filename).href
const loaded = new Map()
const homes = ${homesOf(hots)}
if (process.argv[process.argv.length - 1] === 'supervise') Object.assign(homes, ${homesOf([watching])})
const hots = {}
function evaluate(name) {
  const filename = \`\${__dirname}/parts/\${name}\`
  let cachedData
  try {
    cachedData = readFileSync(\`\${filename}.cache\`)
  } catch {}
  return new Script(readFileSync(filename, 'latin1'), { filename, cachedData }).runInThisContext()
}
function load(name) {
  const known = loaded.get(name)
  if (known) return known.exports
  const module = { exports: {} }
  loaded.set(name, module)
  const home = homes[name]
  const part = home ? (hots[home] ??= evaluate(home))[name] : evaluate(name)
  part(module.exports, find, module, __filename, __dirname, url)
  return module.exports
}
function find(id) {
  if (id.startsWith('./')) return load(id.slice(2))
  return require(id.startsWith('${NATIVE}') ? \`./native/\${id.slice(${NATIVE.length})}.node\` : id)
}
load('${main}')
`
}

/** Builds `dist/kube.cjs`. */
export async function buildCommand(top: string): Promise<void> {
  const folder = join(top, 'dist', 'parts')
  mkdirSync(folder, { recursive: true })
  const { outputFiles, metafile } = await build({
    ...commonOptions(top),
    entryPoints: ['./src/main.ts'],
    format: 'esm',
    splitting: true,
    metafile: true,
    // Named after their content, so that a part and its code cache always belong together.
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    external,
    plugins: [lazyBuiltins, nativeAddons],
  })
  const scripts = new Map<string, string>()
  for (const output of outputFiles) scripts.set(basename(output.path), await toScript(output.text))
  const start = partsOf(outputOf('src/main.ts', metafile.outputs), metafile.outputs)
  const main = start[0]!
  const entries = HOT_ENTRIES.map(source => outputOf(source, metafile.outputs))
  const hotParts = new Set(entries.flatMap(entry => partsOf(entry, metafile.outputs, new Set(start))))
  const known = new Set([...start, ...hotParts])
  const looking = LOOKING_ENTRIES.flatMap(source =>
    partsOf(outputOf(source, metafile.outputs), metafile.outputs, known),
  )
  const hots = [
    ...hotScripts(hotParts, scripts, metafile.outputs),
    hotScript('hot-looking', pick(scripts, looking), true),
  ]
  const watching = watchingScript(scripts, metafile.outputs, new Set(start))
  for (const { file, code } of [...hots, watching]) scripts.set(file, code)
  for (const [name, code] of scripts) replaceFile(join(folder, name), code)
  copyNativeAddons(join(top, 'dist'))
  writeCodeCaches(top, main, hots, watching)
  replaceFile(join(top, 'dist', 'kube.cjs'), loaderCode(main, hots, watching))
  removeOthers(folder, name => scripts.has(name.replace(/\.cache$/, '')))
}

/** What `bin/kube` gives Node.js for commands, not for the supervisor. V8 takes a cache only where its flags are the same. */
const COMMAND_FLAGS = ['--no-rehash-snapshot']

/** Runs of the command that compile most of what the usual ones need, without touching the machine. */
function writeCodeCaches(top: string, main: string, hots: readonly Hot[], watching: Hot): void {
  const scratch = join(top, 'build', 'first-runs')
  const sample = join(top, 'fixtures', 'demo', 'web.yaml')
  const roots = ['--root', join(scratch, 'root'), '--runroot', join(scratch, 'run')]
  const runs = [
    ['plan', sample],
    ['validate', join(top, 'fixtures', 'manifest', 'valid', 'live-pod.yaml')],
    [...roots, 'get', 'pods'],
    [...roots, 'ps'],
  ]
  try {
    writeCachesOf(top, main, COMMAND_FLAGS, hots, runs)
    writeCachesOf(top, main, [], [watching], [])
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function writeCachesOf(
  top: string,
  main: string,
  flags: readonly string[],
  hots: readonly Hot[],
  runs: readonly (readonly string[])[],
): void {
  const program = join(top, 'scripts', 'write-code-cache.ts')
  const described = hots.map(({ file, parts, whole }) => ({ file, parts, whole }))
  const child = spawnSync(
    process.execPath,
    [...flags, program, join(top, 'dist'), main, JSON.stringify(described), JSON.stringify(runs)],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    },
  )
  if (child.status !== 0) throw new Error(`the first runs of the command failed:\n${child.stderr}`)
  const missing = hots.filter(({ file }) => !existsSync(join(top, 'dist', 'parts', `${file}.cache`)))
  if (missing.length > 0) throw new Error(`no code cache of ${missing.map(({ file }) => file).join(', ')}`)
}

/** Builds `dist/index.js` and `dist/unpack-worker.js`. */
export async function buildLibrary(top: string): Promise<void> {
  const result = await build({
    ...commonOptions(top),
    entryPoints: { index: './src/index.ts', 'unpack-worker': './src/host/images/unpack/worker.ts' },
    format: 'esm',
    splitting: true,
    chunkNames: 'chunk-[hash]',
    packages: 'external',
    // Ours, although it is written as a package's.
    alias: { '#validators': join(top, 'build', 'validators') },
  })
  const dist = join(top, 'dist')
  mkdirSync(dist, { recursive: true })
  for (const output of result.outputFiles) replaceFile(output.path, output.contents)
  const made = new Set(result.outputFiles.map(output => basename(output.path)))
  removeOthers(dist, name => !name.startsWith('chunk-') || made.has(name))
}
