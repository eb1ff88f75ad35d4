/**
 * `node write-code-cache.ts DIST MAIN HOTS RUNS`: runs the bundled command once with each of the argument lists that RUNS holds
 * as JSON, and writes V8's code cache of each part that was loaded, with all that was compiled by then.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'
import { NATIVE } from './native-addons.ts'

const [node = '', , dist = '', main = '', hots = '[]', runs = '[]'] = process.argv
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

const hotParts = new Map<string, Wrapper>()
for (const { file, parts, whole } of JSON.parse(hots) as readonly {
  readonly file: string
  readonly parts: readonly string[]
  readonly whole: boolean
}[]) {
  // The flag is taken back, because a code cache is only taken by a process with the flags it was made with.
  if (whole) setFlagsFromString('--no-lazy')
  const wrappers = scriptOf(file).runInThisContext() as Readonly<Record<string, Wrapper>>
  setFlagsFromString('--lazy')
  for (const part of parts) hotParts.set(part, wrappers[part]!)
}

/** Loads the parts as the command's own loader does, afresh for each run. */
function runCommand(args: readonly string[]): void {
  const loaded = new Map<string, { exports: object }>()
  const load = (name: string): unknown => {
    const known = loaded.get(name)
    if (known !== undefined) return known.exports
    const module = { exports: {} }
    loaded.set(name, module)
    const run = hotParts.get(name) ?? (scriptOf(name).runInThisContext() as Wrapper)
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
  if (args !== undefined) {
    setImmediate(() => runCommand(args))
    return
  }
  writeCaches()
  exit(0)
}

function writeCaches(): void {
  for (const [name, script] of scripts) writeFileSync(join(dist, 'parts', `${name}.cache`), script.createCachedData())
}

const exit = process.exit

// Where a command ends, the next one begins.
process.exit = ((status = 0) => {
  if (status !== 0) exit(status)
  runNext()
}) as typeof process.exit

runNext()
