/** What the lines of block and plain scalars stand for. */

/**
 * The lines of a literal block as its text. `chomping` is what its header says: `-` none, `+` all, else one of the line
 * feeds at its end; `endsInside`: the last line has no line feed of its own.
 */
export function chomp(lines: readonly string[], chomping: string, endsInside: boolean): string {
  if (chomping === '+') return endsInside ? lines.join('\n') : `${lines.join('\n')}\n`
  let count = lines.length
  while (count > 0 && lines[count - 1] === '') count--
  const body = lines.slice(0, count).join('\n')
  if (chomping === '-') return body
  return endsInside && count === lines.length ? body : `${body}\n`
}

/** A `#` after a space starts a comment. */
export function withoutComment(line: string): string {
  const at = line.indexOf(' #')
  return (at === -1 ? line : line.slice(0, at)).replace(/ +$/, '')
}
