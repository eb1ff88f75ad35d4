/**
 * Reads the plain part of YAML that nearly all manifests are written in: block maps and lists, scalars on one line,
 * literal blocks, flow collections on one line. It is many times as fast as composing nodes, and gives up on anything
 * else (anchors, tags, scalars over several lines, duplicate keys, every error), which is then composed. A test holds
 * it to the composer's result.
 */
import { literalBlock, withoutComment } from './block-lines.ts'
import { hasControls } from './control-characters.ts'
import { resolvePlain } from './scalar.ts'

export interface PlainValue {
  readonly value: unknown
  readonly hasNulls: boolean
}

/** Thrown to give up: the text is for the composer. */
class NotPlain extends Error {}

const notPlain = new NotPlain()

/** The value of a text that holds one document; undefined when the composer has to read it. */
export function readPlainYaml(text: string): PlainValue | undefined {
  if (hasControls(text)) return undefined
  const reader = new PlainReader(text)
  try {
    return { value: reader.read(), hasNulls: reader.hasNulls }
  } catch (error) {
    if (error === notPlain || error instanceof RangeError) return undefined
    throw error
  }
}

/** Deeper nesting is left to the composer, which refuses it. */
const maxDepth = 100

const quote = 0x22
const apostrophe = 0x27
const hash = 0x23
const space = 0x20
const tab = 0x09
const dash = 0x2d
const colon = 0x3a

/** What a plain key may be made of here; anything else is left to the composer. */
const keyPattern = /([A-Za-z0-9_./$][A-Za-z0-9_./$-]*) *:(?= |$|\n)/y
const literalHeader = /^\|([+-]?)$/
/** A plain scalar must not start with an indicator. */
const indicator = /^[!&*>%@`|#,[\]{}"']|^[-?:]( |$)/
const flowPlain = /[^\s,[\]{}:#"'&*!|>%@`?-][^,[\]{}:#\n\r\t]*|-[0-9][0-9.]*/y

/** Reads line by line: `#indent`, `#start` and `#end` are the current line's indentation, content and end. */
class PlainReader {
  readonly #text: string
  #start = 0
  #end = 0
  #indent = -1
  hasNulls = false

  constructor(text: string) {
    this.#text = text
  }

  read(): unknown {
    const first = /[^ \t\r\n]/.exec(this.#text)?.index ?? -1
    if (this.#text.charCodeAt(first) === 0x7b) return this.#document(first)
    if (this.#text.includes('\r')) throw notPlain
    this.#end = -1
    this.#nextLine()
    if (this.#indent === 0 && this.#text.startsWith('---', this.#start)) {
      if (!/^---( *| +#.*)$/.test(this.#line())) throw notPlain
      this.#nextLine()
    }
    if (this.#indent === -1) return this.#nothing()
    const value = this.#block(this.#indent)
    if (this.#indent !== -1) throw notPlain
    return value
  }

  /** Whether line breaks and tabs are space: in a document that is one flow collection, such as JSON. */
  #isFlow = false

  #document(open: number): unknown {
    this.#isFlow = true
    this.#end = this.#text.length
    const value = this.#flow(open)
    if (/[^ \t\r\n]/.test(this.#text.slice(this.#flowEnd))) throw notPlain
    // A carriage return alone is no space.
    if (/\r(?!\n)/.test(this.#text)) throw notPlain
    return value
  }

  #nothing(): null {
    this.hasNulls = true
    return null
  }

  #line(): string {
    return this.#text.slice(this.#start, this.#end)
  }

  /** Goes to the next line with content; `#indent` is -1 at the end. */
  #nextLine(): void {
    const text = this.#text
    let from = this.#end + 1
    while (from < text.length) {
      let end = text.indexOf('\n', from)
      if (end === -1) end = text.length
      let at = from
      while (at < end && text.charCodeAt(at) === space) at++
      const first = text.charCodeAt(at)
      if (at < end && first !== hash) {
        if (first === tab) throw notPlain
        this.#start = at
        this.#end = end
        this.#indent = at - from
        this.#refuseMarkers(first)
        return
      }
      from = end + 1
    }
    this.#end = text.length
    this.#indent = -1
  }

  /** Directives and document markers in column 1 are the composer's. */
  #refuseMarkers(first: number): void {
    if (this.#indent > 0) return
    if (first === 0x25 || first === 0xfeff || this.#text.startsWith('...', this.#start)) throw notPlain
  }

  #isItem(): boolean {
    if (this.#text.charCodeAt(this.#start) !== dash) return false
    return this.#start + 1 === this.#end || this.#text.charCodeAt(this.#start + 1) === space
  }

  #depth = 0

  #block(indent: number): unknown {
    if (this.#depth >= maxDepth) throw notPlain
    this.#depth++
    const value = this.#isItem() ? this.#list(indent) : this.#map(indent)
    this.#depth--
    return value
  }

  #list(indent: number): unknown[] {
    const items: unknown[] = []
    while (this.#indent === indent && this.#isItem()) {
      let at = this.#start + 1
      while (at < this.#end && this.#text.charCodeAt(at) === space) at++
      if (at === this.#end || this.#text.charCodeAt(at) === hash) {
        this.#nextLine()
        items.push(this.#indent > indent ? this.#block(this.#indent) : this.#nothing())
      } else {
        const column = indent + at - this.#start
        this.#start = at
        // `- - a`: a list in a list on one line.
        if (this.#isItem()) throw notPlain
        if (this.#keyEnd() !== -1) {
          this.#indent = column
          items.push(this.#map(column))
        } else items.push(this.#scalar(at, indent))
      }
    }
    if (this.#indent > indent) throw notPlain
    return items
  }

  #keyName = ''

  /** Where the key's colon stands, -1 when the line has no key; `#keyName` is the key. */
  #keyEnd(): number {
    const first = this.#text.charCodeAt(this.#start)
    if (first === quote || first === apostrophe) {
      const close = this.#closing(this.#start, first)
      const after = this.#text.charCodeAt(close + 1)
      if (after !== colon) return -1
      const next = close + 2
      if (next !== this.#end && this.#text.charCodeAt(next) !== space) throw notPlain
      this.#keyName = this.#quoted(this.#start, close)
      return close + 1
    }
    keyPattern.lastIndex = this.#start
    const match = keyPattern.exec(this.#text)
    if (match === null) return -1
    const name = resolvePlain(match[1] ?? '')
    if (name === null) throw notPlain
    this.#keyName = String(name)
    return keyPattern.lastIndex - 1
  }

  #map(indent: number): unknown {
    const map: Record<string, unknown> = {}
    do {
      const end = this.#keyEnd()
      const name = this.#keyName
      if (end === -1 || name === '__proto__' || Object.hasOwn(map, name)) throw notPlain
      let at = end + 1
      while (at < this.#end && this.#text.charCodeAt(at) === space) at++
      if (at === this.#end || this.#text.charCodeAt(at) === hash) map[name] = this.#below(indent)
      else map[name] = this.#scalar(at, indent)
    } while (this.#indent === indent && !this.#isItem())
    if (this.#indent > indent) throw notPlain
    return map
  }

  /** The value of a key that has nothing beside it. */
  #below(indent: number): unknown {
    this.#nextLine()
    if (this.#indent > indent) return this.#block(this.#indent)
    if (this.#indent === indent && this.#isItem()) return this.#list(indent)
    return this.#nothing()
  }

  /** A value that stands on the current line from `at` on; goes to the next line. */
  #scalar(at: number, indent: number): unknown {
    const text = this.#text
    const first = text.charCodeAt(at)
    let value: unknown
    if (first === quote || first === apostrophe) {
      const close = this.#closing(at, first)
      value = this.#quoted(at, close)
      this.#endOfValue(close + 1)
    } else if (first === 0x5b || first === 0x7b) {
      value = this.#flow(at)
      this.#endOfValue(this.#flowEnd)
    } else {
      const line = withoutComment(text.slice(at, this.#end))
      const header = literalHeader.exec(line)
      if (header !== null) return this.#literal(indent, header[1] ?? '')
      if (indicator.test(line) || line.includes('\t') || line.includes(': ') || line.endsWith(':')) throw notPlain
      value = resolvePlain(line)
      if (value === null) this.hasNulls = true
    }
    this.#nextLine()
    // A line that is indented more goes on with the scalar.
    if (this.#indent > indent) throw notPlain
    return value
  }

  /** Nothing but a comment may follow. */
  #endOfValue(at: number): void {
    let next = at
    while (next < this.#end && this.#text.charCodeAt(next) === space) next++
    if (next === this.#end) return
    if (next === at || this.#text.charCodeAt(next) !== hash) throw notPlain
  }

  /** The closing quote on this line. */
  #closing(open: number, kind: number): number {
    const text = this.#text
    for (let at = open + 1; at < this.#end; at++) {
      const char = text.charCodeAt(at)
      if (kind === quote && char === 0x5c) at++
      else if (char === kind) {
        if (kind === quote || text.charCodeAt(at + 1) !== apostrophe) return at
        at++
      }
    }
    throw notPlain
  }

  #quoted(open: number, close: number): string {
    const inner = this.#text.slice(open + 1, close)
    if (this.#isFlow && /[\n\r]/.test(inner)) throw notPlain
    if (this.#text.charCodeAt(open) === apostrophe) return inner.includes("'") ? inner.replaceAll("''", "'") : inner
    if (!inner.includes('\\')) return inner
    // JSON's escapes mean the same in YAML; the others are the composer's.
    if (/\\[^"\\/bfnrtu]|\\u(?![0-9A-Fa-f]{4})|\\u[dD][89A-Fa-f]/.test(inner) || inner.includes('\t')) throw notPlain
    return inner.replace(/\\(u....|.)/g, sequence => JSON.parse(`"${sequence}"`) as string)
  }

  #flowEnd = 0

  /** A list or map in brackets on this line; `#flowEnd` is where it ends. */
  #flow(at: number): unknown {
    if (this.#depth >= maxDepth) throw notPlain
    this.#depth++
    const value = this.#text.charCodeAt(at) === 0x5b ? this.#flowList(at) : this.#flowMap(at)
    this.#depth--
    return value
  }

  #skipSpaces(at: number): number {
    let next = at
    while (next < this.#end && this.#isSpace(this.#text.charCodeAt(next))) next++
    if (next >= this.#end) throw notPlain
    return next
  }

  #isSpace(char: number): boolean {
    return char === space || (this.#isFlow && (char === 0x0a || char === tab || char === 0x0d))
  }

  #flowList(open: number): unknown[] {
    const items: unknown[] = []
    let at = this.#skipSpaces(open + 1)
    while (this.#text.charCodeAt(at) !== 0x5d) {
      items.push(this.#flowValue(at))
      at = this.#afterFlowItem(0x5d)
    }
    this.#flowEnd = at + 1
    return items
  }

  #flowMap(open: number): unknown {
    const map: Record<string, unknown> = {}
    let at = this.#skipSpaces(open + 1)
    while (this.#text.charCodeAt(at) !== 0x7d) {
      const isQuoted = this.#text.charCodeAt(at) === quote
      const name = this.#flowKey(at)
      if (name === '__proto__' || name === '<<' || Object.hasOwn(map, name)) throw notPlain
      at = this.#skipSpaces(this.#flowEnd)
      // Nothing need stand between a quoted key's colon and the value: JSON's way.
      if (this.#text.charCodeAt(at) !== colon) throw notPlain
      if (!isQuoted && !this.#isSpace(this.#text.charCodeAt(at + 1))) throw notPlain
      map[name] = this.#flowValue(this.#skipSpaces(at + 1))
      at = this.#afterFlowItem(0x7d)
    }
    this.#flowEnd = at + 1
    return map
  }

  /** The next item's start, or the closing bracket. */
  #afterFlowItem(close: number): number {
    const at = this.#skipSpaces(this.#flowEnd)
    if (this.#text.charCodeAt(at) === close) return at
    if (this.#text.charCodeAt(at) !== 0x2c) throw notPlain
    return this.#skipSpaces(at + 1)
  }

  #flowKey(at: number): string {
    const value = this.#flowValue(at)
    if (value === null || typeof value === 'object') throw notPlain
    return String(value)
  }

  #flowValue(at: number): unknown {
    const first = this.#text.charCodeAt(at)
    if (first === quote || first === apostrophe) {
      const close = this.#closing(at, first)
      this.#flowEnd = close + 1
      return this.#quoted(at, close)
    }
    if (first === 0x5b || first === 0x7b) return this.#flow(at)
    flowPlain.lastIndex = at
    const match = flowPlain.exec(this.#text)
    if (match === null || flowPlain.lastIndex > this.#end) throw notPlain
    this.#flowEnd = flowPlain.lastIndex
    const value = resolvePlain(match[0].replace(/ +$/, ''))
    if (value === null) this.hasNulls = true
    return value
  }

  /** The text of a literal block; goes to the line after it. */
  #literal(parentIndent: number, chomping: string): string {
    const block = literalBlock(this.#text, this.#end + 1, parentIndent, chomping)
    if (block === undefined) throw notPlain
    this.#end = block.end
    this.#nextLine()
    if (this.#indent > parentIndent) throw notPlain
    return block.value
  }
}
