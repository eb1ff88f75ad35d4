/** What the lines of block and plain scalars stand for. */

/** The lines of a literal block without their indentation, which every line but the empty ones has. */
export function literalLines(block: string, indent: number): string {
  const margin = ' '.repeat(indent)
  // A pattern of nothing but characters is replaced everywhere in one native step.
  return block.slice(indent).replace(new RegExp(`\n${margin}`, 'g'), '\n')
}

/** The same where lines of spaces alone are shorter than that. */
export function raggedLines(block: string, indent: number): string {
  return block
    .split('\n')
    .map(line => line.slice(indent))
    .join('\n')
}

/**
 * The lines of a literal block as its text. `chomping` is what its header says: `-` none, `+` all, else one of the line
 * feeds at its end; `endsInside`: the last line has no line feed of its own.
 */
export function chomp(lines: string, chomping: string, endsInside: boolean): string {
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
