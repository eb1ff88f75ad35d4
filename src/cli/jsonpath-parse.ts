/** Reading kubectl's JSONPath templates. Pure. */
import { KubeError } from '../diagnostic.ts'

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'range'; readonly path: Path; readonly body: readonly Node[] }

export interface Path {
  /** `$`: from the whole data, also inside a range. */
  readonly fromRoot: boolean
  readonly steps: readonly Step[]
}

export interface Literal {
  readonly value: string | number | boolean | null
}

export type Operator = '==' | '!=' | '<=' | '>=' | '<' | '>'

export type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'all' }
  /** `..name` */
  | { readonly kind: 'deep'; readonly name: string }
  /** `[2]` when `single`, else `[start:end:step]`. */
  | {
      readonly kind: 'items'
      readonly single: boolean
      readonly start: number
      readonly end?: number
      readonly step: number
    }
  | { readonly kind: 'union'; readonly members: readonly Step[] }
  | {
      readonly kind: 'filter'
      readonly left: Path | Literal
      readonly operator?: Operator
      readonly right?: Path | Literal
    }

/** Text and the parts in braces. Fails with code `BadTemplate`. */
export function parseTemplate(template: string): readonly Node[] {
  const parser = new TemplateParser(template)
  return parser.nodes(false)
}

/** A field's name goes on to what can follow it. */
const NAME_END = new Set(['.', '[', ']', '}', ' ', '=', '!', '<', '>', ')', ',', '\t', '\n', '(', '"', "'"])
const OPERATORS: readonly Operator[] = ['==', '!=', '<=', '>=', '<', '>']

class TemplateParser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  nodes(inRange: boolean): readonly Node[] {
    const nodes: Node[] = []
    while (this.#at < this.#text.length) {
      const open = this.#text.indexOf('{', this.#at)
      const literal = this.#text.slice(this.#at, open < 0 ? undefined : open)
      if (literal !== '') nodes.push({ kind: 'text', text: literal })
      if (open < 0) {
        this.#at = this.#text.length
        break
      }
      this.#at = open + 1
      if (this.#part(nodes)) {
        if (!inRange) throw this.#wrong('{end} without {range}')
        return nodes
      }
    }
    if (inRange) throw this.#wrong('{range} without {end}')
    return nodes
  }

  /** What is in one pair of braces; whether it was `end`. */
  #part(nodes: Node[]): boolean {
    for (;;) {
      this.#blank()
      const char = this.#text[this.#at]
      if (char === undefined) throw this.#wrong('unclosed {')
      if (char === '}') {
        this.#at++
        return false
      }
      if (char === '"' || char === "'") nodes.push({ kind: 'text', text: this.#quoted() })
      else if (this.#word('range')) {
        const path = this.#path()
        this.#expect('}')
        nodes.push({ kind: 'range', path, body: this.nodes(true) })
        return false
      } else if (this.#word('end')) {
        this.#expect('}')
        return true
      } else nodes.push({ kind: 'path', path: this.#path() })
    }
  }

  #path(): Path {
    this.#blank()
    const start = this.#at
    const fromRoot = this.#take('$')
    if (!fromRoot) this.#take('@')
    const steps: Step[] = []
    for (;;) {
      if (this.#take('..')) steps.push({ kind: 'deep', name: this.#name() })
      else if (this.#take('.')) {
        if (this.#take('*')) steps.push({ kind: 'all' })
        else if (this.#text[this.#at] !== '[' && !this.#atEnd()) steps.push({ kind: 'field', name: this.#name() })
      } else if (this.#take('[')) steps.push(this.#brackets())
      else if (this.#at === start) steps.push({ kind: 'field', name: this.#name() })
      else return { fromRoot, steps }
    }
  }

  #atEnd(): boolean {
    const char = this.#text[this.#at]
    return char === undefined || NAME_END.has(char)
  }

  #name(): string {
    let name = ''
    for (; !this.#atEnd(); this.#at++) {
      if (this.#text[this.#at] === '\\' && this.#at + 1 < this.#text.length) this.#at++
      name += this.#text[this.#at]
    }
    if (name === '') throw this.#wrong(`unexpected ${JSON.stringify(this.#text[this.#at] ?? 'end')}`)
    return name
  }

  #brackets(): Step {
    this.#blank()
    if (this.#take('?')) return this.#filter()
    const members: Step[] = []
    do {
      this.#blank()
      members.push(this.#member())
      this.#blank()
    } while (this.#take(','))
    this.#expect(']')
    return members.length === 1 ? members[0]! : { kind: 'union', members }
  }

  #member(): Step {
    const char = this.#text[this.#at]
    if (char === '"' || char === "'") return { kind: 'field', name: this.#quoted() }
    if (this.#take('*')) return { kind: 'all' }
    const match = /^(-?\d+)?(:)?(-?\d+)?(?::(\d+))?/.exec(this.#text.slice(this.#at))
    if (!match || match[0] === '') throw this.#wrong('a number, a quoted name or * belongs in [ ]')
    this.#at += match[0].length
    const [, start, colon, end, step] = match
    const stride = Number(step ?? 1)
    if (stride < 1) throw this.#wrong('a step is at least 1')
    return {
      kind: 'items',
      single: colon === undefined,
      start: Number(start ?? 0),
      step: stride,
      ...(end === undefined ? {} : { end: Number(end) }),
    }
  }

  #filter(): Step {
    this.#expect('(')
    const left = this.#operand()
    this.#blank()
    const operator = OPERATORS.find(text => this.#take(text))
    const right = operator === undefined ? undefined : this.#operand()
    this.#blank()
    this.#expect(')')
    this.#blank()
    this.#expect(']')
    return { kind: 'filter', left, ...(operator === undefined || right === undefined ? {} : { operator, right }) }
  }

  #operand(): Path | Literal {
    this.#blank()
    const char = this.#text[this.#at]
    if (char === '"' || char === "'") return { value: this.#quoted() }
    const match = /^(?:true|false|null|-?\d+(?:\.\d+)?)(?=[\s)=!<>])/.exec(this.#text.slice(this.#at))
    if (!match) return this.#path()
    this.#at += match[0].length
    return { value: JSON.parse(match[0]) as Literal['value'] }
  }

  #quoted(): string {
    const quote = this.#text[this.#at]!
    let text = ''
    for (this.#at++; this.#text[this.#at] !== quote; this.#at++) {
      const char = this.#text[this.#at]
      if (char === undefined) throw this.#wrong(`unclosed ${quote}`)
      if (char !== '\\') text += char
      else text += escaped(this.#text[++this.#at] ?? '')
    }
    this.#at++
    return text
  }

  #word(word: string): boolean {
    const rest = this.#text.slice(this.#at)
    if (!rest.startsWith(word) || !/^[\s}]/.test(rest.slice(word.length))) return false
    this.#at += word.length
    this.#blank()
    return true
  }

  #take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }

  #expect(text: string): void {
    this.#blank()
    if (!this.#take(text)) throw this.#wrong(`${text} expected`)
  }

  #blank(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++
  }

  #wrong(message: string): KubeError {
    return new KubeError('BadTemplate', `jsonpath at character ${this.#at + 1}: ${message}`, {
      exitStatus: 2,
      hint: "for example -o jsonpath='{.items[*].metadata.name}'",
    })
  }
}

function escaped(char: string): string {
  return { n: '\n', t: '\t', r: '\r' }[char] ?? char
}
