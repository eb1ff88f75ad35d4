/** The part of TOML that container tools' configuration files use: tables, arrays of tables, strings, booleans, integers, arrays. Source: toml.io v1.0. */

export type TomlValue = string | boolean | number | readonly TomlValue[] | TomlTable
export interface TomlTable {
  [key: string]: TomlValue
}

const KEY = /^(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')/

/** Cuts comments, outside of strings. */
function withoutComment(line: string): string {
  const match = /^(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^"'#])*/.exec(line)
  return (match?.[0] ?? line).trim()
}

function unquoted(key: string): string {
  if (key.startsWith('"')) return JSON.parse(key) as string
  return key.startsWith("'") ? key.slice(1, -1) : key
}

function keyPath(text: string): readonly string[] {
  const path: string[] = []
  let rest = text.trim()
  for (;;) {
    const key = KEY.exec(rest)
    if (!key) throw new SyntaxError(`not a key: ${text}`)
    path.push(unquoted(key[0]))
    rest = rest.slice(key[0].length).trim()
    if (rest === '') return path
    if (!rest.startsWith('.')) throw new SyntaxError(`not a key: ${text}`)
    rest = rest.slice(1).trim()
  }
}

/** Reads one value at the start of `text`; returns it with the rest. */
function readValue(text: string): readonly [TomlValue, string] {
  const string = /^(?:"(?:[^"\\]|\\.)*"|'[^']*')/.exec(text)
  if (string) return [unquoted(string[0]), text.slice(string[0].length).trim()]
  const plain = /^(?:true|false|[+-]?[0-9][0-9_]*)(?![A-Za-z0-9.:-])/.exec(text)
  if (plain) {
    const value =
      plain[0] === 'true' || plain[0] === 'false' ? plain[0] === 'true' : Number(plain[0].replaceAll('_', ''))
    return [value, text.slice(plain[0].length).trim()]
  }
  if (!text.startsWith('[')) throw new SyntaxError(`not a value: ${text}`)
  const items: TomlValue[] = []
  let rest = text.slice(1).trim()
  while (!rest.startsWith(']')) {
    const [item, after] = readValue(rest)
    items.push(item)
    rest = after
    if (rest.startsWith(',')) rest = rest.slice(1).trim()
    else if (!rest.startsWith(']')) throw new SyntaxError('an array is not closed')
  }
  return [items, rest.slice(1).trim()]
}

/** The table at `path`, made when it is not there; the last one of an array of tables. */
function descend(from: TomlTable, path: readonly string[]): TomlTable {
  let at = from
  for (const key of path) {
    const next = Object.hasOwn(at, key) ? at[key] : undefined
    const table = Array.isArray(next) ? next.at(-1) : next
    if (table === undefined) {
      const made: TomlTable = Object.create(null)
      at[key] = made
      at = made
    } else if (typeof table === 'object' && !Array.isArray(table)) at = table as TomlTable
    else throw new SyntaxError(`${key} is no table`)
  }
  return at
}

/** Throws SyntaxError with the line. */
export function parseToml(text: string): TomlTable {
  const root: TomlTable = Object.create(null)
  let table = root
  const lines = text.split(/\r?\n/)
  for (let i = 0; i < lines.length; i++) {
    let line = withoutComment(lines[i] ?? '')
    if (line === '') continue
    try {
      const array = /^\[\[(.+)\]\]$/.exec(line)
      const single = /^\[(.+)\]$/.exec(line)
      if (array) {
        const path = keyPath(array[1]!)
        const parent = descend(root, path.slice(0, -1))
        const name = path.at(-1)!
        const made: TomlTable = Object.create(null)
        const before = parent[name]
        parent[name] = Array.isArray(before) ? [...before, made] : [made]
        table = made
      } else if (single) table = descend(root, keyPath(single[1]!))
      else {
        const equals = line.indexOf('=')
        const path = keyPath(line.slice(0, Math.max(equals, 0)))
        // An array may go on over several lines.
        const isOpen = (): boolean => /=\s*\[/.test(line) && !/\]\s*$/.test(line)
        while (isOpen() && i + 1 < lines.length) line += ` ${withoutComment(lines[++i] ?? '')}`
        const [value, rest] = readValue(line.slice(equals + 1).trim())
        if (rest !== '') throw new SyntaxError(`unexpected ${rest}`)
        descend(table, path.slice(0, -1))[path.at(-1)!] = value
      }
    } catch (cause) {
      throw new SyntaxError(`line ${i + 1}: ${cause instanceof Error ? cause.message : cause}`)
    }
  }
  return root
}
