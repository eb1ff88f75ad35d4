/** V8 takes a code cache only from a process with its own flags. Where it doesn't, everything works, and starts slowly. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { KUBE } from '../support/instance.ts'

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url))
const [, options = ''] = /exec "\$node" (.*) "\$program"/.exec(readFileSync(KUBE, 'utf8')) ?? []
const hots = new Set(readFileSync(`${DIST}kube.cjs`, 'utf8').match(/hot-[a-z]+-[0-9a-f]+\.js/g))

/** What V8 says to the code caches of those scripts, in a process with these options. */
function rejected(options: readonly string[], names: readonly string[]): Readonly<Record<string, boolean>> {
  const program = `
    const { readFileSync } = require('node:fs')
    const { Script } = require('node:vm')
    const said = process.argv.slice(1).map(filename => {
      const cachedData = readFileSync(filename + '.cache')
      return [filename, new Script(readFileSync(filename, 'latin1'), { filename, cachedData }).cachedDataRejected]
    })
    console.log(JSON.stringify(Object.fromEntries(said)))`
  const files = names.map(name => `${DIST}parts/${name}`)
  return JSON.parse(execFileSync(process.execPath, [...options, '-e', program, ...files], { encoding: 'utf8' }))
}

const isSupervisors = (name: string) => name.startsWith('hot-watching')

test("the commands' options of Node.js are those that their code caches were made with", () => {
  const names = [...hots].filter(name => !isSupervisors(name))
  assert.equal(names.length, 3)
  assert.match(options, /--no-rehash-snapshot/)
  for (const [file, no] of Object.entries(rejected(options.split(' '), names))) assert.equal(no, false, file)
  for (const [file, no] of Object.entries(rejected([], names))) assert.equal(no, true, file)
})

test("the supervisor's is made without them", () => {
  const names = [...hots].filter(isSupervisors)
  assert.equal(names.length, 1)
  for (const [file, no] of Object.entries(rejected(['--max-semi-space-size=4'], names))) assert.equal(no, false, file)
})
