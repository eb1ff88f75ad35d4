/**
 * The bundles of `dist/`: the command (`kube.cjs` and what it loads from `parts/`), the library (`index.js`) and the
 * thread that unpacks layers.
 *
 * The command's parts are CommonJS scripts and not ES modules, because Node.js can be handed a code cache only for a
 * script: its own compile cache is kept per user, so it could not be filled here for whoever runs `kube` later, and
 * would leave another user's files in `dist/`. Modules reached by `import()` stay lazy: they become functions that run
 * when they are first imported; the validators, which are large and of which a run needs two or three, are parts of
 * their own.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type BuildOptions, build, type Plugin } from 'esbuild'

/** Native addons, and what only the commands that talk to a cluster load: found in node_modules when first needed. */
const external = ['koffi', 'netlink', '@kubernetes/client-node']

/** What a part is given in place of what a module has by itself. */
const parameters = 'exports, require, module, __filename, __dirname, __url'

/** A `require()` of this prefix and a part's name loads that part. */
const PART = 'part:'

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

function removeOthers(folder: string, isNeeded: (name: string) => boolean): void {
  for (const name of readdirSync(folder)) if (!isNeeded(name)) rmSync(join(folder, name), { recursive: true })
}

/** Bundles one part and writes it. Its name tells its content, so that part and code cache always belong together. */
async function buildPart(top: string, entry: string, plugins: Plugin[] = []): Promise<string> {
  const common = commonOptions(top)
  const result = await build({
    ...common,
    entryPoints: [entry],
    format: 'cjs',
    external,
    plugins,
    // A script with a code cache has no import() of its own.
    supported: { 'dynamic-import': false },
    define: {
      ...common.define,
      'import.meta.url': '__url',
      'import.meta.dirname': '__dirname',
      'import.meta.filename': '__filename',
    },
    banner: { js: `(function (${parameters}) {` },
    footer: { js: '})' },
  })
  const code = result.outputFiles[0]?.contents
  if (code === undefined) throw new Error(`esbuild made nothing of ${entry}`)
  const hash = createHash('sha256').update(code).digest('hex').slice(0, 12)
  const name = `${basename(entry).replace(/\.[jt]s$/, '')}-${hash}`
  replaceFile(join(top, 'dist', 'parts', `${name}.cjs`), code)
  return name
}

/** Sends each import of a validator to its part. */
function validatorParts(parts: ReadonlyMap<string, string>): Plugin {
  return {
    name: 'validator-parts',
    setup(context) {
      context.onResolve({ filter: /^#validators\// }, ({ path }) => {
        const part = parts.get(basename(path))
        return part === undefined
          ? { errors: [{ text: `no validator ${path}` }] }
          : { path: `${PART}${part}`, external: true }
      })
    },
  }
}

/** The start of the command. */
function loaderCode(main: string): string {
  return `'use strict'
const { readFileSync } = require('node:fs')
const { Script } = require('node:vm')
const url = require('node:url').pathToFileURL(__filename).href
function load(name) {
  const filename = \`\${__dirname}/parts/\${name}.cjs\`
  let cachedData
  try {
    cachedData = readFileSync(\`\${__dirname}/parts/\${name}.cache\`)
  } catch {}
  const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData })
  const module = { exports: {} }
  script.runInThisContext()(module.exports, find, module, __filename, __dirname, url)
  return module.exports
}
const find = id => (id.startsWith('${PART}') ? load(id.slice(${PART.length})) : require(id))
load('${main}')
`
}

/** Builds `dist/kube.cjs`. */
export async function buildCommand(top: string): Promise<void> {
  const folder = join(top, 'dist', 'parts')
  mkdirSync(folder, { recursive: true })
  const validators = join(top, 'build', 'validators')
  const built = readdirSync(validators).map(async file => [file, await buildPart(top, join(validators, file))] as const)
  const parts = new Map(await Promise.all(built))
  const main = await buildPart(top, join(top, 'src', 'main.ts'), [validatorParts(parts)])
  writeCodeCaches(top, main)
  replaceFile(join(top, 'dist', 'kube.cjs'), loaderCode(main))
  const made = new Set([main, ...parts.values()])
  removeOthers(folder, name => made.has(name.replace(/\.(cjs|cache)$/, '')))
}

/** A run that reads and plans a manifest compiles most of what every command needs. */
function writeCodeCaches(top: string, main: string): void {
  const scratch = join(top, 'build', 'first-run')
  const program = join(top, 'scripts', 'write-code-cache.ts')
  const sample = join(top, 'fixtures', 'demo', 'web.yaml')
  const roots = ['--root', join(scratch, 'root'), '--runroot', join(scratch, 'run')]
  const child = spawnSync(process.execPath, [program, join(top, 'dist'), main, ...roots, 'plan', sample], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  })
  rmSync(scratch, { recursive: true, force: true })
  if (child.status !== 0) throw new Error(`the first run of the command failed:\n${child.stderr}`)
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
