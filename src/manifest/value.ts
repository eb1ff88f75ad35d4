/** YAML nodes to plain data in go-yaml's dialect: scalars, merge keys, aliases with a limit, duplicate keys. */
import { isAlias, isMap, isScalar, isSeq, type ParsedNode } from 'yaml'
import { resolvePlain, type ScalarValue } from './scalar.ts'

/** Something wrong with the YAML itself, at an offset of the slice. */
export interface YamlFinding {
  readonly code: string
  readonly message: string
  readonly offset: number
}

export interface ComposedValue {
  readonly value: unknown
  readonly hasNulls: boolean
  readonly findings: readonly YamlFinding[]
  /** The last node of each anchor. */
  readonly anchors: ReadonlyMap<string, ParsedNode>
}

interface Walk {
  readonly anchors: Map<string, ParsedNode>
  readonly open: Set<ParsedNode>
  readonly findings: YamlFinding[]
  /** Where the text ends, when its last line has no line feed; else beyond all. */
  readonly openEnd: number
  hasNulls: boolean
  decoded: number
  aliased: number
  aliasDepth: number
  depth: number
}

class ExcessiveAliasing extends Error {}

/** Far more than any kind has, and few enough for every recursion over the value. */
const maxDepth = 500

class TooDeep extends Error {}

/** What is told of a document that is nested too deep. */
export function tooDeep(offset: number): YamlFinding {
  return { code: 'YamlTooDeep', message: `exceeded max depth of ${maxDepth}`, offset }
}

/** The value of a document in `text`; never throws for bad input. */
export function composeValue(root: ParsedNode | null, text: string): ComposedValue {
  const walk: Walk = {
    anchors: new Map(),
    open: new Set(),
    findings: [],
    openEnd: /[^ \n] *$/.test(text) ? text.length : Number.POSITIVE_INFINITY,
    hasNulls: false,
    decoded: 0,
    aliased: 0,
    aliasDepth: 0,
    depth: 0,
  }
  try {
    const value = root === null ? null : valueAtNode(root, walk)
    return { value, hasNulls: walk.hasNulls, findings: walk.findings, anchors: walk.anchors }
  } catch (error) {
    const offset = root?.range[0] ?? 0
    if (error instanceof ExcessiveAliasing)
      walk.findings.push({ code: 'YamlExcessiveAliasing', message: 'document contains excessive aliasing', offset })
    else if (error instanceof TooDeep) walk.findings.push(tooDeep(offset))
    else throw error
    return { value: undefined, hasNulls: false, findings: walk.findings, anchors: walk.anchors }
  }
}

/** go-yaml's limit: a small document may be almost all aliases, a large one at most a tenth. Source: decode.go. */
function countNode(walk: Walk): void {
  walk.decoded++
  if (walk.aliasDepth > 0) walk.aliased++
  if (walk.aliased <= 100 || walk.decoded <= 1000) return
  const spread = Math.min(Math.max((walk.decoded - 400_000) / 3_600_000, 0), 1)
  if (walk.aliased / walk.decoded > 0.99 - 0.89 * spread) throw new ExcessiveAliasing()
}

function valueAtNode(node: ParsedNode, walk: Walk): unknown {
  countNode(walk)
  if (isAlias(node)) return aliasValue(node.source, node, walk)
  if (node.anchor !== undefined) walk.anchors.set(node.anchor, node)
  if (isScalar(node)) {
    const value = scalarValue(node, walk)
    if (value === null) walk.hasNulls = true
    return value
  }
  if (walk.depth >= maxDepth) throw new TooDeep()
  walk.depth++
  const value = node.anchor === undefined ? collectionValue(node, walk) : guardedValue(node, walk)
  walk.depth--
  return value
}

function collectionValue(node: ParsedNode, walk: Walk): unknown {
  if (isSeq(node)) return listValue(node, walk)
  return isMap(node) ? mapValue(node as ParsedNode & MapNode, walk) : null
}

/** An anchored collection, which must not hold an alias of itself. */
function guardedValue(node: ParsedNode, walk: Walk): unknown {
  walk.open.add(node)
  try {
    return collectionValue(node, walk)
  } finally {
    walk.open.delete(node)
  }
}

function listValue(node: { readonly items: readonly unknown[] }, walk: Walk): unknown {
  return node.items.map(item => valueAtNode(item as ParsedNode, walk))
}

function aliasValue(name: string, alias: ParsedNode, walk: Walk): unknown {
  const target = walk.anchors.get(name)
  if (target === undefined) return wrong(walk, 'YamlAlias', `unknown anchor '${name}' referenced`, alias)
  if (walk.open.has(target)) return wrong(walk, 'YamlAlias', `anchor '${name}' value contains itself`, alias)
  walk.aliasDepth++
  const value = valueAtNode(target, walk)
  walk.aliasDepth--
  return value
}

function wrong(walk: Walk, code: string, message: string, node: ParsedNode): null {
  walk.findings.push({ code, message, offset: node.range[0] })
  return null
}

interface ScalarNode {
  readonly value: unknown
  readonly type?: string | undefined
  readonly tag?: string | undefined
}

const standardTag = 'tag:yaml.org,2002:'

function scalarValue(node: ParsedNode & ScalarNode, walk: Walk): ScalarValue {
  const text = typeof node.value === 'string' ? node.value : ''
  // go-yaml ends a block with the line feed that is there, and adds none.
  const isOpen = node.type?.startsWith('BLOCK') === true && node.range[1] >= walk.openEnd
  if (isOpen && text.endsWith('\n')) return text.slice(0, -1)
  if (node.tag === undefined || node.tag === '!') {
    return node.tag === undefined && node.type === 'PLAIN' ? resolvePlain(withoutPadding(text)) : text
  }
  if (!node.tag.startsWith(standardTag)) return text
  const tag = node.tag.slice(standardTag.length)
  if (tag === 'binary') return Buffer.from(text, 'base64').toString('latin1')
  const wanted = { int: 'number', float: 'number', bool: 'boolean', null: 'object' }[tag]
  if (wanted === undefined) return text
  const value = resolvePlain(text)
  if (typeof value === wanted) return value
  return wrong(walk, 'YamlTag', `cannot decode \`${text}\` as a !!${tag}`, node)
}

/** In `[a  ]` and `{a : b}`, yaml leaves a space at the end of the plain scalar, which no plain scalar has. */
function withoutPadding(text: string): string {
  return text.endsWith(' ') ? text.replace(/ +$/, '') : text
}

interface MapNode {
  readonly items: readonly { readonly key: unknown; readonly value: unknown }[]
}

function mapValue(node: ParsedNode & MapNode, walk: Walk): unknown {
  const map: Record<string, unknown> = {}
  let merged: Record<string, unknown> | undefined
  for (const pair of node.items) {
    const key = pair.key as ParsedNode
    const value = pair.value as ParsedNode | null
    if (isScalar(key) && key.value === '<<' && key.type === 'PLAIN') {
      merged = { ...mergedValue(value, walk), ...merged }
      continue
    }
    const name = keyOf(key, walk)
    if (name === undefined) continue
    if (Object.hasOwn(map, name)) wrong(walk, 'YamlDuplicateKey', `key ${JSON.stringify(name)} already set in map`, key)
    if (value === null) walk.hasNulls = true
    setOwn(map, name, value === null ? null : valueAtNode(value, walk))
  }
  return merged === undefined ? map : { ...merged, ...map }
}

/** `__proto__` is a key like any other. */
function setOwn(map: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') map[name] = value
  else Object.defineProperty(map, name, { value, enumerable: true, configurable: true, writable: true })
}

function mergedValue(node: ParsedNode | null, walk: Walk): Record<string, unknown> {
  const target = node === null ? null : valueAtNode(node, walk)
  const sources = Array.isArray(target) ? target.toReversed() : [target]
  const merged: Record<string, unknown> = {}
  for (const source of sources) {
    if (typeof source === 'object' && source !== null && !Array.isArray(source)) Object.assign(merged, source)
    else if (node !== null) wrong(walk, 'YamlMerge', 'map merge requires map or sequence of maps as the value', node)
  }
  return merged
}

function keyOf(node: ParsedNode, walk: Walk): string | undefined {
  countNode(walk)
  if (!isAlias(node) && node.anchor !== undefined) walk.anchors.set(node.anchor, node)
  const text = keyText(node, walk.anchors)
  if (text === undefined) wrong(walk, 'YamlKey', 'a key must be a string, a number or a boolean', node)
  return text
}

/** A key as JSON has it: numbers and booleans become their text. Undefined for null, lists and maps. */
export function keyText(node: ParsedNode, anchors: ReadonlyMap<string, ParsedNode>): string | undefined {
  const target = isAlias(node) ? anchors.get(node.source) : node
  if (!isScalar(target) || typeof target.value !== 'string') return undefined
  if (target.type !== 'PLAIN' || target.tag !== undefined) return target.value
  const value = resolvePlain(withoutPadding(target.value))
  return value === null ? undefined : String(value)
}
