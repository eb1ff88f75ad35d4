/** The sources as the architecture tests see them: text, imports, and code without comments and strings. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

export const top = fileURLToPath(new URL('../..', import.meta.url))

export interface Import {
  /** As written: `../plan/types.ts`, `node:fs`, `#validators/pod.js`, `yaml`. */
  readonly specifier: string
  /** The file it means, from the top of the repository; absent when it is not one of ours. */
  readonly file?: string
  /** Nothing of it is left at run time. */
  readonly typeOnly: boolean
}

export interface Source {
  /** From the top of the repository: `src/plan/types.ts`. */
  readonly path: string
  readonly text: string
  /** The text with its comments and the contents of its strings blanked, line by line. */
  readonly code: string
  readonly imports: readonly Import[]
  readonly isTest: boolean
}

/** A line comment, a block comment, a string, a template without its substitutions' nesting, a regular expression in a usual place. */
const TOKENS =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`|(?<=[(,=:[!&|?;{}]\s*)\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/g

const blank = (text: string): string => text.replace(/[^\n]/g, ' ')

function withoutComments(text: string): string {
  return text.replace(TOKENS, token => (/^\/[/*]/.test(token) ? blank(token) : token))
}

/** Substitutions of templates stay, because they are code. */
function withoutStrings(text: string): string {
  return text.replace(TOKENS, token =>
    token.startsWith('`')
      ? token.replace(/\$\{([^}]*)\}|[^\n]/g, (_, inner?: string) => (inner === undefined ? ' ' : `  ${inner} `))
      : blank(token),
  )
}

const FROM = /(?:^|[\n;])\s*(?:import|export)\s+(type\s+)?(?:[\w*{},\s$]+?\s+from\s+)?'([^'\n]+)'/g
const CALL =
  /(typeof\s+)?\b(?:import|require)\(\s*'([^'\n]+)'|\brequire\)?\([\w.]+\)\('([^'\n]+)'|createRequire\([^)]*\)\('([^'\n]+)'/g

/** The imports of a text: static, dynamic, by require(), of types. */
export function importsOf(path: string, text: string): readonly Import[] {
  const found: Import[] = []
  const add = (specifier: string, typeOnly: boolean): void => {
    const file = specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : undefined
    found.push({ specifier, typeOnly, ...(file === undefined ? {} : { file }) })
  }
  const code = withoutComments(text)
  for (const [, type, specifier] of code.matchAll(FROM)) add(specifier!, type !== undefined)
  for (const [, type, called, required, created] of code.matchAll(CALL)) {
    add((called ?? required ?? created)!, type !== undefined)
  }
  return found
}

export function parseSource(path: string, text: string): Source {
  return {
    path,
    text,
    code: withoutStrings(text),
    imports: importsOf(path, text),
    isTest: path.endsWith('.test.ts'),
  }
}

/** All TypeScript files below the folders. */
export function readSources(...folders: readonly string[]): readonly Source[] {
  return folders
    .flatMap(folder => globSync(`${folder}/**/*.ts`, { cwd: top }))
    .sort()
    .map(path => parseSource(path, readFileSync(join(top, path), 'utf8')))
}

/** `path:line: what`, for each match in the code. */
export function findInCode(source: Source, pattern: RegExp): readonly string[] {
  return [...source.code.matchAll(pattern)].map(match => {
    const line = source.code.slice(0, match.index).split('\n').length
    return `${source.path}:${line}: ${match[0].trim()}`
  })
}
