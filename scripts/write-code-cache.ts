/**
 * `node write-code-cache.ts DIST PART ARGUMENT...`: runs the bundled command once with these arguments, and writes V8's
 * code cache of each part that it loaded, with all that was compiled by then.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Script } from 'node:vm'

const [node = '', , dist = '', main = '', ...args] = process.argv
const program = join(dist, 'kube.cjs')
process.argv = [node, program, ...args]

const require = createRequire(program)
const scripts = new Map<string, Script>()

type Wrapper = (...parameters: readonly unknown[]) => void

/** As the command's own loader does it. */
function load(name: string): unknown {
  const filename = join(dist, 'parts', `${name}.cjs`)
  const script = new Script(readFileSync(filename, 'latin1'), { filename })
  scripts.set(name, script)
  const module = { exports: {} }
  const run = script.runInThisContext() as Wrapper
  const find = (id: string): unknown => (id.startsWith('part:') ? load(id.slice('part:'.length)) : require(id))
  run(module.exports, find, module, program, dist, pathToFileURL(program).href)
  return module.exports
}

process.on('exit', () => {
  for (const [name, script] of scripts) writeFileSync(join(dist, 'parts', `${name}.cache`), script.createCachedData())
})
load(main)
