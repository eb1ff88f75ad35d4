/**
 * Flow collections over several lines, put on one. YAML wants them indented more than the key they belong to, and yaml
 * insists; libyaml, and so Kubernetes, takes `[{` ... `}]` at any column and with tabs. Line breaks and comments inside
 * become spaces, so that every offset stays what it was.
 */

/** A block scalar's header at the end of a line. */
const blockHeader = /(?:^|[ \t])[|>][-+0-9]*[ \t]*(?:#.*)?$/
/** What may stand before a flow collection on its line: list dashes and a key. */
const before = /^ *(?:- +)*(?:(?:[^\s#'"[\]{}&*!|>%@`-][^#\n]*?|"[^"\n]*"|'[^'\n]*'):[ \t]+)?(?=[[{])/

/** The text with such collections on one line; undefined when there is none, or when one cannot be followed. */
export function joinFlowLines(text: string): string | undefined {
  let out = ''
  let from = 0
  let hasChanged = false
  /** The indentation of the line whose block scalar is being passed over; -1 outside of one. */
  let scalarIndent = -1
  while (from < text.length) {
    const newline = text.indexOf('\n', from)
    let end = newline === -1 ? text.length : newline
    const line = text.slice(from, end)
    const indent = line.length - line.trimStart().length
    if (scalarIndent !== -1 && (line.trim() === '' || indent > scalarIndent)) {
      out += text.slice(from, end + 1)
      from = end + 1
      continue
    }
    scalarIndent = -1
    const match = before.exec(line)
    if (match !== null) {
      const open = from + match[0].length
      const flow = joinedFlow(text, open)
      if (flow === undefined) return undefined
      if (flow.includes('\n')) return undefined
      const close = open + flow.length
      if (text.slice(open, close) !== flow) hasChanged = true
      const rest = text.indexOf('\n', close)
      end = rest === -1 ? text.length : rest
      out += text.slice(from, open) + flow + text.slice(close, end + 1)
    } else {
      if (blockHeader.test(line)) scalarIndent = parentColumn(line)
      out += text.slice(from, end + 1)
    }
    from = end + 1
  }
  return hasChanged ? out : undefined
}

/** The column of the key or dash that a block scalar belongs to. */
function parentColumn(line: string): number {
  const prefix = /^ *(?:- +)*/.exec(line)?.[0].length ?? 0
  return /^[|>]/.test(line.slice(prefix)) ? prefix - 2 : prefix
}

/** The collection that opens at `open`, of the same length on one line; undefined when it does not end. */
function joinedFlow(text: string, open: number): string | undefined {
  let out = ''
  let depth = 0
  let at = open
  while (at < text.length) {
    const char = text[at] ?? ''
    if (char === '"' || char === "'") {
      const close = closingQuote(text, at)
      if (close === -1) return undefined
      out += text.slice(at, close + 1)
      at = close + 1
      continue
    }
    if (char === '#' && /\s/.test(text[at - 1] ?? '')) {
      const newline = text.indexOf('\n', at)
      if (newline === -1) return undefined
      out += ' '.repeat(newline - at)
      at = newline
      continue
    }
    if (char === '[' || char === '{') depth++
    if (char === ']' || char === '}') depth--
    out += char === '\n' || char === '\r' || char === '\t' ? ' ' : char
    at++
    if (depth === 0) return out
  }
  return undefined
}

/** Where the quoted scalar ends; -1 when it does not, or goes on over lines. */
function closingQuote(text: string, open: number): number {
  const kind = text[open]
  for (let at = open + 1; at < text.length; at++) {
    const char = text[at]
    if (char === '\n') return -1
    if (kind === '"' && char === '\\') at++
    else if (char === kind) {
      if (kind === '"' || text[at + 1] !== "'") return at
      at++
    }
  }
  return -1
}
