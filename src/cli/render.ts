/** How things are told on a terminal or in a pipe: tables, colours, errors. */
import { causeChain, KubeError } from '../diagnostic.ts'
import type { Io } from './context.ts'

const CODES = { red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36, grey: 90, bold: 1 } as const
export type Colour = keyof typeof CODES

/** Coloured where colours are wanted, as it is elsewhere. */
export function paint(io: Pick<Io, 'colour'>, colour: Colour, text: string): string {
  return io.colour ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text
}

/** Text of a manifest or a container, made harmless for a terminal: control characters as `^[`, as kubectl shows them. */
export function visible(text: string): string {
  return text.replace(/[^\P{Cc}\t\n]/gu, char => {
    const code = char.charCodeAt(0)
    return code < 0x80 ? `^${String.fromCharCode(code ^ 0x40)}` : `\\u00${code.toString(16)}`
  })
}

/** Columns three spaces apart, as kubectl has them; no trailing blanks. A cell beyond its column's `most` widens nothing. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  options: { readonly header?: boolean; readonly most?: readonly (number | undefined)[] } = {},
): string {
  const all = (options.header === false ? rows : [header, ...rows]).map(row => row.map(visible))
  const widths = header.map((_, i) => {
    const lengths = all.map(row => row[i]?.length ?? 0)
    const most = options.most?.[i] ?? Infinity
    return Math.max(0, ...lengths.filter(length => length <= most))
  })
  return all
    .map(
      row =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('   ')
          .trimEnd()}\n`,
    )
    .join('')
}

/** Kubernetes' short form of a time span: `45s`, `3m12s`, `5h`, `12d`. Source: k8s.io/apimachinery duration.HumanDuration. */
export function age(fromMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - fromMs) / 1000))
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`
  if (minutes < 180) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`
  if (hours < 48) return `${hours}h`
  const days = Math.floor(hours / 24)
  if (days < 8) return hours % 24 === 0 ? `${days}d` : `${days}d${hours % 24}h`
  if (days < 730) return `${days}d`
  return `${Math.floor(days / 365)}y`
}

/** A failure as the user sees it: what, where, and what to do. Never a stack trace, but for a defect of ours in debug. */
export function renderError(
  io: Pick<Io, 'colour'>,
  error: unknown,
  options: { readonly debug?: boolean } = {},
): string {
  if (!(error instanceof KubeError)) {
    const trace = options.debug && error instanceof Error ? `${error.stack}\n` : ''
    return `${paint(io, 'red', 'kube:')} ${visible(causeChain(error))}\n${trace}`
  }
  // Names of files and images, and what other programs said, may hold anything.
  const lines = [`${paint(io, 'red', 'kube:')} ${visible(causeChain(error))}`]
  for (const note of error.notes) lines.push(`  ${visible(note)}`)
  if (error.hint !== undefined) lines.push(`  hint: ${visible(error.hint)}`)
  if (options.debug && error.stack !== undefined) lines.push(error.stack)
  return `${lines.join('\n')}\n`
}

/** A failure for programs: one line of JSON. */
export function errorJson(error: unknown): string {
  const known = error instanceof KubeError ? error : undefined
  return `${JSON.stringify({
    level: 'error',
    code: known?.code ?? 'Failed',
    message: causeChain(error),
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
    ...(known && known.notes.length > 0 ? { notes: known.notes } : {}),
  })}\n`
}
