/** Builds `dist/`: the command and the library. Does nothing when no input is newer than the last build. */
import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'

const top = fileURLToPath(new URL('..', import.meta.url))
const dist = join(top, 'dist')
const stamp = join(dist, '.stamp')

/** Files and directories that the output depends on; npm writes the last one when it installs. */
const inputs = [
  'src',
  'schemas',
  'scripts',
  'fixtures/demo',
  'package.json',
  'tsconfig.json',
  'node_modules/.package-lock.json',
]

/** The newest change of the files below a path, in milliseconds; a directory's own covers what was added or removed. */
function newestChange(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return 0
  if (!stats.isDirectory()) return stats.mtimeMs
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestChange(join(path, name))), stats.mtimeMs)
}

function isCurrent(): boolean {
  const built = statSync(stamp, { throwIfNoEntry: false })
  return built !== undefined && inputs.every(input => newestChange(join(top, input)) <= built.mtimeMs)
}

/** Waits for another build of this checkout to end. The lock ends with the process, however that ends. */
function lockBuilds(): Disposable {
  mkdirSync(join(top, 'build'), { recursive: true })
  const database = new DatabaseSync(join(top, 'build', 'lock.db'), { timeout: 120_000 })
  database.exec('BEGIN EXCLUSIVE')
  return { [Symbol.dispose]: () => database.close() }
}

async function main(): Promise<void> {
  if (isCurrent()) return
  using _lock = lockBuilds()
  if (isCurrent()) return
  const startedAt = new Date()
  const [{ buildValidators }, { buildCommand, buildLibrary }] = await Promise.all([
    import('./build-validators.ts'),
    import('./bundle.ts'),
  ])
  buildValidators()
  await Promise.all([buildCommand(top), buildLibrary(top)])
  writeFileSync(stamp, '')
  utimesSync(stamp, startedAt, startedAt)
}

await main()
