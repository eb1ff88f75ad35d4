import assert from 'node:assert/strict'
import { basename, dirname } from 'node:path'
import { suite, test } from 'node:test'
import { findInCode, parseSource, readSources } from './source.ts'

const LINES_MAX = 400
/** A suite is a list of cases: it stays together longer. */
const TEST_LINES_MAX = 800

/** Longer ones, with the reason: tables that nobody reads from top to bottom. */
const LONG: Readonly<Record<string, string>> = {}

const sources = readSources('src', 'test', 'scripts', 'bench')

/** Every match in every file, once the pattern has been shown to match what it is for. */
function matches(pattern: RegExp, planted: string): readonly string[] {
  assert.equal(findInCode(parseSource('planted.ts', planted), pattern).length, 1, `${pattern} does not see ${planted}`)
  return sources.flatMap(source => findInCode(source, pattern))
}

suite('style', () => {
  test('a file has at most 400 lines, a test 800', () => {
    assert.ok(sources.length > 50)
    const long = sources
      .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
      .filter(({ path, lines }) => lines > (path.endsWith('.test.ts') ? TEST_LINES_MAX : LINES_MAX) && !(path in LONG))
    assert.deepEqual(long, [])
  })

  test('files and folders are kebab-case', () => {
    const names = new Set(sources.flatMap(({ path }) => [basename(path, '.ts'), ...dirname(path).split('/')]))
    assert.deepEqual(
      [...names].filter(name => !/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?$/.test(name)),
      [],
    )
  })

  test('no name says only that something is handled or helped with', () => {
    const names = sources.map(source => basename(source.path, '.ts'))
    assert.deepEqual(
      names.filter(name => /^(utils?|helpers?|common|misc|manager|handler)$|-(utils?|helpers?|manager)$/.test(name)),
      [],
    )
  })

  test('no default exports', () => {
    assert.deepEqual(matches(/^export\s+default\b|\bas\s+default\b/gm, 'export default 1'), [])
  })

  test('nothing that type stripping cannot erase', () => {
    assert.deepEqual(matches(/^\s*(?:export\s+)?(?:const\s+)?enum\s+\w+/gm, 'export const enum A {}'), [])
    assert.deepEqual(matches(/^\s*(?:export\s+)?namespace\s+\w+/gm, 'namespace A {}'), [])
  })

  test('trees are removed by what never steps onto a mount', () => {
    const removals = matches(
      /\brm(?:Sync)?\([^()]*(?:\([^()]*\)[^()]*)*\brecursive: true/g,
      'rmSync(path, { recursive: true })',
    )
    const allowed = [
      // In a thread that has its own root directory, where nobody mounts anything.
      'src/host/images/unpack/tree-writer.ts',
    ]
    const inProduct = removals.filter(found => found.startsWith('src/') && !/^src\/[^:]*\.test\.ts/.test(found))
    assert.deepEqual(
      inProduct.filter(found => !allowed.some(path => found.startsWith(path))),
      [],
    )
  })

  test('no any, no silenced compiler, no unfinished work', () => {
    assert.deepEqual(matches(/(?::|\bas|<)\s*any\b/g, 'const a: any = 1'), [])
    const silenced = sources.filter(
      ({ path, text }) => path !== 'test/architecture/style.test.ts' && /@ts-(ignore|nocheck|expect-error)/.test(text),
    )
    assert.deepEqual(
      silenced.map(source => source.path),
      [],
    )
    const unfinished = sources.filter(
      ({ path, text }) => path !== 'test/architecture/style.test.ts' && /\b(TODO|FIXME|XXX)\b/.test(text),
    )
    assert.deepEqual(
      unfinished.map(source => source.path),
      [],
    )
  })
})
