/**
 * The native addons of the command, taken out of their packages' JavaScript: looking for the binary that fits the machine
 * costs up to 15 ms at each start, so it is done once, here.
 */
import { copyFileSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Plugin } from 'esbuild'

/** A `require()` of this prefix and an addon's name loads it from `dist/native/`. */
export const NATIVE = 'native:'

const require = createRequire(import.meta.url)

/** Where the binary of each addon for this machine is. Throws on a machine that has none. */
const binaries: Readonly<Record<string, () => string | undefined>> = {
  koffi() {
    require('koffi')
    return Object.keys(require.cache).find(path => path.endsWith('koffi.node'))
  },
}

/** Copies the binaries to `dist/native/`. What this system has none of, its commands cannot use. */
export function copyNativeAddons(dist: string): void {
  const folder = join(dist, 'native')
  mkdirSync(folder, { recursive: true })
  for (const [name, find] of Object.entries(binaries)) {
    const binary = findOrNothing(find)
    if (binary === undefined) continue
    // A running kube may have the old one mapped: it keeps that.
    const unfinished = join(folder, `${name}.${process.pid}`)
    copyFileSync(binary, unfinished)
    renameSync(unfinished, join(folder, `${name}.node`))
  }
}

function findOrNothing(find: () => string | undefined): string | undefined {
  if (process.platform === 'linux') return find()
  try {
    return find()
  } catch {
    return undefined
  }
}

/** Replaces a text that must be there. */
function replaced(path: string, from: string, to: string): string {
  const text = readFileSync(path, 'utf8')
  if (!text.includes(from)) throw new Error(`${path} has no longer ${from}`)
  return text.replaceAll(from, to)
}

/** Sends what loads an addon to `dist/native/`. */
export const nativeAddons: Plugin = {
  name: 'native-addons',
  setup(context) {
    context.onResolve({ filter: /^native:/ }, ({ path }) => ({ path, external: true }))
    context.onLoad({ filter: /\/src\/host\/sys\/foreign\.ts$/ }, ({ path }) => ({
      contents: replaced(path, "createRequire(import.meta.url)('koffi')", `require('${NATIVE}koffi')`),
      loader: 'ts',
    }))
    context.onLoad({ filter: /\/src\/host\/network\/netlink-socket\.ts$/ }, ({ path }) => ({
      contents: replaced(path, 'createRequire(import.meta.url)(', 'require('),
      loader: 'ts',
    }))
  },
}
