/**
 * `node write-code-cache.ts DIST MAIN HOT RUNS`: runs the bundled command once with each of the argument lists that RUNS holds
 * as JSON, and writes V8's code cache of each part that was loaded, with all that was compiled by then.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'
import { NATIVE } from './native-addons.ts'

const [node = '', , dist = '', main = '', hot = '', runs = '[]'] = process.argv
const program = join(dist, 'kube.cjs')
const require = createRequire(program)
const scripts = new Map<string, Script>()

function scriptOf(name: string): Script {
  const known = scripts.get(name)
  if (known !== undefined) return known
  const filename = join(dist, 'parts', name)
  const script = new Script(readFileSync(filename, 'latin1'), { filename })
  scripts.set(name, script)
  return script
}

type Wrapper = (...parameters: readonly unknown[]) => void

/**
 * The usual commands' functions, all compiled: most of what a play does can't be run here, where nothing may be touched.
 * The flag is taken back, because a code cache is only taken by a process with the flags it was made with.
 */
setFlagsFromString('--no-lazy')
const hotParts = scriptOf(hot).runInThisContext() as Readonly<Record<string, Wrapper>>
setFlagsFromString('--lazy')

/** Loads the parts as the command's own loader does, afresh for each run. */
function runCommand(args: readonly string[]): void {
  const loaded = new Map<string, { exports: object }>()
  const load = (name: string): unknown => {
    const known = loaded.get(name)
    if (known !== undefined) return known.exports
    const module = { exports: {} }
    loaded.set(name, module)
    const run = hotParts[name] ?? (scriptOf(name).runInThisContext() as Wrapper)
    const find = (id: string): unknown => {
      if (id.startsWith('./')) return load(id.slice(2))
      return require(id.startsWith(NATIVE) ? `./native/${id.slice(NATIVE.length)}.node` : id)
    }
    run(module.exports, find, module, program, dist, pathToFileURL(program).href)
    return module.exports
  }
  process.argv = [node, program, ...args]
  load(main)
}

const waiting = JSON.parse(runs) as string[][]

function runNext(): void {
  const args = waiting.shift()
  // In an event of its own, after which `beforeExit` comes once more.
  if (args !== undefined) setImmediate(() => runCommand(args))
  else writeCaches()
}

function writeCaches(): void {
  for (const [name, script] of scripts) writeFileSync(join(dist, 'parts', `${name}.cache`), script.createCachedData())
}

// The end of one run is when nothing is left to do.
process.on('beforeExit', () => {
  if (process.exitCode === undefined || process.exitCode === 0) runNext()
})
runNext()
