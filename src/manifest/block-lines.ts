/** What the lines of block and plain scalars stand for. */

export interface LiteralBlock {
  readonly value: string
  /** The line feed of its last line, or the end of the text. */
  readonly end: number
}

/** Nobody indents a block further, and a pattern has its limits. */
const maxIndent = 1000

/**
 * The literal block whose first line begins at `from`, in native steps over the text instead of one for each line.
 * `chomping` is what its header says: `-` none, `+` all, else one of the line feeds at its end. `undefined` when the
 * composer has to read it: it is empty, or its indentation is in doubt.
 */
export function literalBlock(
  text: string,
  from: number,
  parentIndent: number,
  chomping: string,
): LiteralBlock | undefined {
  if (from >= text.length) return undefined
  // Blank lines with spaces would have to be compared with the indentation of the first line.
  const blank = /\n*/y
  blank.lastIndex = from
  const blankLines = blank.exec(text)![0]
  const start = from + blankLines.length
  const content = /[^ ]/g
  content.lastIndex = start
  const first = content.exec(text)
  const indent = (first?.index ?? start) - start
  if (!first || first[0] === '\n' || first[0] === '\t' || indent <= parentIndent || indent > maxIndent) return undefined
  const { end, isRagged, nextIndent } = literalEnd(text, first.index, indent)
  if (nextIndent > parentIndent) return undefined
  const endsInside = end === text.length && !text.endsWith('\n')
  if (endsInside && /\n *$/.test(text)) return undefined
  const last = end === text.length && !endsInside ? end - 1 : end
  const body = text.slice(start, last)
  const lines = isRagged ? raggedLines(body, indent) : evenLines(body, indent)
  return { value: chomp(blankLines + lines, chomping, endsInside), end: last }
}

interface LiteralEnd {
  /** The line feed before the first line that is indented less, or the end of the text. */
  readonly end: number
  /** A line of the block is indented less as well, which is blank. */
  readonly isRagged: boolean
  /** Of the line after it; -1 at the end of the text. */
  readonly nextIndent: number
}

function literalEnd(text: string, first: number, indent: number): LiteralEnd {
  const outdented = new RegExp(`\\n {0,${indent - 1}}[^ ]`, 'g')
  outdented.lastIndex = first
  let isRagged = false
  for (let match = outdented.exec(text); match !== null; match = outdented.exec(text)) {
    if (!match[0].endsWith('\n')) return { end: match.index, isRagged, nextIndent: match[0].length - 2 }
    if (match[0].length > 2) isRagged = true
    outdented.lastIndex--
  }
  return { end: text.length, isRagged, nextIndent: -1 }
}

/** The lines without the indentation that every one has but those that are empty. */
function evenLines(block: string, indent: number): string {
  // A pattern of nothing but characters is replaced everywhere in one native step.
  return block.slice(indent).replace(new RegExp(`\n${' '.repeat(indent)}`, 'g'), '\n')
}

function raggedLines(block: string, indent: number): string {
  return block
    .split('\n')
    .map(line => line.slice(indent))
    .join('\n')
}

/** `endsInside`: the last line has no line feed of its own. */
function chomp(lines: string, chomping: string, endsInside: boolean): string {
  if (chomping === '+') return endsInside ? lines : `${lines}\n`
  let end = lines.length
  while (lines.endsWith('\n', end)) end--
  const body = lines.slice(0, end)
  if (chomping === '-') return body
  return endsInside && end === lines.length ? body : `${body}\n`
}

/** A `#` after a space starts a comment. */
export function withoutComment(line: string): string {
  const at = line.indexOf(' #')
  return (at === -1 ? line : line.slice(0, at)).replace(/ +$/, '')
}
