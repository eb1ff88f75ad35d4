/** A terminal with lines that stay at its end, below what is printed; in a pipe, only what is printed. */
import { stripVTControlCharacters } from 'node:util'
import type { Io } from './context.ts'

export interface Screen {
  /** Whole lines. */
  print(text: string): void
  /** Replaces the lines at the end. */
  footer(lines: readonly string[]): void
}

export function openScreen(io: Io): Screen {
  if (!io.outIsTerminal) return { print: text => io.out(text), footer() {} }
  let shown: readonly string[] = []
  /** To the first of the lines at the end, and clears from there. */
  const clear = () => (shown.length === 0 ? '' : `\u001b[${shown.length}A\u001b[0J`)
  // A terminal that doesn't know its width says 0.
  const draw = () => shown.map(line => `${fitting(line, io.columns || 80)}\n`).join('')
  return {
    print(text) {
      io.out(`${clear()}${text}${draw()}`)
    },
    footer(lines) {
      if (lines.length === shown.length && lines.every((line, i) => line === shown[i])) return
      const start = clear()
      shown = lines
      io.out(`${start}${draw()}`)
    },
  }
}

/** A line that is broken would take two. Colours take no room. */
function fitting(line: string, columns: number): string {
  const bare = stripVTControlCharacters(line)
  return bare.length <= columns ? line : bare.slice(0, columns)
}
