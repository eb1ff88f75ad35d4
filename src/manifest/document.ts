/** Text to documents: splits a text as kubectl does, composes each document and finds where its fields stand. */
import { Composer, CST, isAlias, isMap, isScalar, isSeq, type ParsedNode, Parser } from 'yaml'
import type { FieldPath, Position } from '../diagnostic.ts'
import { controlMessage, firstControl } from './control-characters.ts'
import { joinFlowLines } from './flow-lines.ts'
import { readPlainYaml } from './plain-yaml.ts'
import { composeValue, keyText, tooDeep, type YamlFinding } from './value.ts'

/** Line starts of a text, found on first use: most files need no position at all. */
export class LineIndex {
  readonly text: string
  #starts: number[] | undefined

  constructor(text: string) {
    this.text = text
  }

  #lineStarts(): number[] {
    if (this.#starts !== undefined) return this.#starts
    const starts = [0]
    for (let at = this.text.indexOf('\n'); at !== -1; at = this.text.indexOf('\n', at + 1)) starts.push(at + 1)
    this.#starts = starts
    return starts
  }

  positionOf(offset: number): Position {
    const starts = this.#lineStarts()
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
  }
}

/** A part of a text that holds one document (or more, where `...` ends one without `---`). */
export interface Slice {
  readonly text: string
  /** Where it starts in the whole text, in UTF-16 code units. */
  readonly offset: number
}

const onlyDirectives = /^(?:\s*(?:#[^\n]*|%[^\n]*)?(?:\n|$))*$/

/** Splits at lines that start with `---`, and a stream of JSON objects between them. */
export function splitDocuments(text: string): readonly Slice[] {
  const slices: Slice[] = []
  // A byte order mark is no content.
  let from = text.charCodeAt(0) === 0xfeff ? 1 : 0
  for (const to of [...separators(text), text.length]) {
    const part = text.slice(from, to)
    // Directives belong to the document after them.
    if (to < text.length && part.includes('%') && /^%/m.test(part) && onlyDirectives.test(part)) continue
    for (const inner of splitJson(part)) slices.push({ text: inner.text, offset: from + inner.offset })
    from = to
  }
  return slices
}

/** Where lines begin that are `---`, or that with something after it, but for the first line. */
function separators(text: string): readonly number[] {
  const found: number[] = []
  // A carriage return alone breaks a line as well.
  for (const mark of ['\n---', '\r---']) {
    for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + 1))
      if (at + 4 === text.length || ' \t\r\n'.includes(text[at + 4]!)) found.push(at + 1)
  }
  return found.sort((a, b) => a - b)
}

/** `{...}{...}` as jq prints it: kubectl reads a stream of JSON values without separators. */
function splitJson(part: string): readonly Slice[] {
  const whole = [{ text: part, offset: 0 }]
  const start = /\S/.exec(part)?.index ?? -1
  if (start === -1 || part[start] !== '{') return whole
  const slices: Slice[] = []
  let depth = 0
  let from = start
  for (let at = start; at < part.length; at++) {
    const char = part.charCodeAt(at)
    if (char === 0x22) {
      at = endOfJsonString(part, at)
      if (at === -1) return whole
    } else if (char === 0x7b || char === 0x5b) depth++
    else if (char === 0x7d || char === 0x5d) {
      depth--
      if (depth < 0) return whole
      if (depth === 0) {
        slices.push({ text: part.slice(from, at + 1), offset: from })
        from = at + 1
      }
    } else if (depth === 0 && char !== 0x20 && char !== 0x0a && char !== 0x0d && char !== 0x09) return whole
  }
  return depth === 0 && slices.length > 1 ? slices : whole
}

/** The index of the closing quote, or -1. */
function endOfJsonString(text: string, open: number): number {
  for (let at = text.indexOf('"', open + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = 0
    while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes++
    if (backslashes % 2 === 0) return at
  }
  return -1
}

/** One composed document: its value, what is wrong with its YAML, and where each field stands. */
export interface YamlDocument {
  readonly value: unknown
  readonly hasNulls: boolean
  readonly findings: readonly YamlFinding[]
  /** Offset in the slice of the value at the path, or of the nearest parent that is there. */
  offsetOf(path: FieldPath): number
  /** Offset in the slice of the key that names the path's last step, or what `offsetOf` gives for a list item. */
  keyOffsetOf(path: FieldPath): number
  /** The scalar as it is written, when the path leads to one. */
  sourceOf(path: FieldPath): string | undefined
}

const composerOptions = {
  version: '1.1',
  schema: 'failsafe',
  merge: false,
  strict: false,
  uniqueKeys: false,
  resolveKnownTags: false,
  prettyErrors: false,
  logLevel: 'silent',
} as const

/**
 * The documents of a slice, usually one. A plain one is composed only when a position is asked for. Never throws for bad
 * input.
 */
export function readSlice(slice: Slice): readonly YamlDocument[] {
  const plain = readPlainYaml(slice.text)
  if (plain === undefined) return composeSlice(slice)
  let composed: YamlDocument | undefined
  const nodes = (): YamlDocument => {
    composed ??= composeSlice(slice)[0] ?? brokenDocument({ code: 'YamlSyntax', message: '', offset: 0 })
    return composed
  }
  return [
    {
      ...plain,
      findings: [],
      offsetOf: path => nodes().offsetOf(path),
      keyOffsetOf: path => nodes().keyOffsetOf(path),
      sourceOf: path => nodes().sourceOf(path),
    },
  ]
}

/** Composes the documents of a slice. Never throws for bad input. */
export function composeSlice(slice: Slice): readonly YamlDocument[] {
  const control = firstControl(slice.text)
  if (control !== -1) {
    const message = controlMessage(slice.text, control)
    return [brokenDocument({ code: 'YamlSyntax', message, offset: control })]
  }
  const documents = composeText(slice.text)
  if (!documents.some(document => document.findings.some(({ code }) => code === 'YamlSyntax'))) return documents
  const joined = joinFlowLines(slice.text)
  if (joined === undefined) return documents
  const better = composeText(joined)
  return better.some(document => document.findings.some(({ code }) => code === 'YamlSyntax')) ? documents : better
}

function composeText(text: string): readonly YamlDocument[] {
  try {
    const documents: YamlDocument[] = []
    const parsed = new Parser().parse(text)
    const tokens = text.includes("\\'") ? withApostrophes(parsed) : parsed
    for (const document of new Composer(composerOptions).compose(tokens, false, text.length)) {
      const error = document.errors[0]
      if (error?.message.includes('call stack') === true) documents.push(brokenDocument(tooDeep(0)))
      else if (error !== undefined) {
        const finding = { code: 'YamlSyntax', message: firstLine(error.message), offset: error.pos[0] }
        documents.push(brokenDocument(finding))
      } else documents.push(documentOf(document.contents, text))
    }
    return documents
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return [brokenDocument(tooDeep(0))]
  }
}

/** go-yaml takes `\'` in double quotes for an apostrophe; YAML has no such escape. */
function* withApostrophes(tokens: Iterable<CST.Token>): Generator<CST.Token, void> {
  const mend = (token: CST.Token | null | undefined): void => {
    if (token?.type === 'double-quoted-scalar')
      token.source = token.source.replace(/\\[\s\S]/g, sequence => (sequence === "\\'" ? "'" : sequence))
  }
  for (const token of tokens) {
    if (token.type === 'document')
      CST.visit(token, ({ key, value }) => {
        mend(key)
        mend(value)
      })
    yield token
  }
}

function firstLine(message: string): string {
  const line = message.split('\n', 1)[0] ?? message
  return line.length > 300 ? `${line.slice(0, 300)}...` : line
}

function brokenDocument(finding: YamlFinding): YamlDocument {
  const offset = finding.offset
  return {
    value: undefined,
    hasNulls: false,
    findings: [finding],
    offsetOf: () => offset,
    keyOffsetOf: () => offset,
    sourceOf: () => undefined,
  }
}

function documentOf(root: ParsedNode | null, text: string): YamlDocument {
  const { value, hasNulls, findings, anchors } = composeValue(root, text)
  const lookup = (path: FieldPath): Place => placeOf(root, path, anchors)
  return {
    value,
    hasNulls,
    findings,
    offsetOf: path => lookup(path).offset,
    keyOffsetOf: path => {
      const place = lookup(path)
      return place.depth === path.length ? place.keyOffset : place.offset
    },
    sourceOf: path => {
      const place = lookup(path)
      if (place.depth !== path.length || !isScalar(place.node)) return undefined
      return place.node.source
    },
  }
}

interface Place {
  readonly node: ParsedNode | null
  /** How many steps of the path were there. */
  readonly depth: number
  readonly offset: number
  readonly keyOffset: number
}

type Anchors = ReadonlyMap<string, ParsedNode>

function placeOf(root: ParsedNode | null, path: FieldPath, anchors: Anchors): Place {
  let place: Place = { node: root, depth: 0, offset: root?.range[0] ?? 0, keyOffset: root?.range[0] ?? 0 }
  for (const step of path) {
    const next = childOf(resolveAlias(place.node, anchors), step, anchors)
    if (next === undefined) return place
    const offset = next.node?.range[0] ?? next.keyOffset
    place = { node: next.node, depth: place.depth + 1, offset, keyOffset: next.keyOffset }
  }
  return place
}

function resolveAlias(node: ParsedNode | null, anchors: Anchors): ParsedNode | null {
  return isAlias(node) ? (anchors.get(node.source) ?? null) : node
}

interface Child {
  readonly node: ParsedNode | null
  readonly keyOffset: number
}

/** The children of maps that were asked for: a map with many findings is searched once. */
const childIndexes = new WeakMap<ParsedNode, ReadonlyMap<string, Child>>()

function childOf(parent: ParsedNode | null, step: string | number, anchors: Anchors): Child | undefined {
  if (isSeq(parent) && typeof step === 'number') {
    const node = (parent.items[step] ?? undefined) as ParsedNode | undefined
    return node === undefined ? undefined : { node, keyOffset: node.range[0] }
  }
  if (!isMap(parent)) return undefined
  let index = childIndexes.get(parent as ParsedNode)
  if (index === undefined) {
    index = indexChildren(parent as ParsedNode, anchors, 0)
    childIndexes.set(parent as ParsedNode, index)
  }
  return index.get(String(step))
}

function indexChildren(parent: ParsedNode | null, anchors: Anchors, depth: number): ReadonlyMap<string, Child> {
  const merged = new Map<string, Child>()
  const own = new Map<string, Child>()
  if (!isMap(parent)) return own
  for (const pair of parent.items) {
    const key = pair.key as ParsedNode
    const node = (pair.value ?? null) as ParsedNode | null
    const name = keyText(key, anchors)
    if (name === undefined) continue
    if (name !== '<<' || !isScalar(key) || key.type !== 'PLAIN') own.set(name, { node, keyOffset: key.range[0] })
    else if (depth < 16) {
      const target = resolveAlias(node, anchors)
      const sources = isSeq(target) ? (target.items as (ParsedNode | null)[]) : [target]
      for (const source of sources)
        for (const [inner, child] of indexChildren(resolveAlias(source, anchors), anchors, depth + 1))
          if (!merged.has(inner)) merged.set(inner, child)
    }
  }
  return new Map([...merged, ...own])
}
