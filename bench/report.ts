/** The figures as a table of medians and ratios. */

export interface Figure {
  readonly what: string
  readonly unit: 's' | 'ms' | 'MiB' | ''
  /** One value for each round, by contender. */
  readonly values: Readonly<Record<string, readonly number[]>>
  /** Which two are compared, pair by pair: the first in terms of the second. */
  readonly ratioOf: readonly [string, string]
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The median of the ratios of the pairs; undefined where one side is missing. */
export function ratioOf({ values, ratioOf: [first, second] }: Figure): number | undefined {
  const [a, b] = [values[first], values[second]]
  if (a === undefined || b === undefined || a.length === 0 || a.length !== b.length) return undefined
  return median(a.map((value, round) => value / b[round]!))
}

function format(value: number, unit: Figure['unit']): string {
  const digits = unit === 's' ? 3 : unit === '' ? 0 : 1
  return unit === '' ? value.toFixed(digits) : `${value.toFixed(digits)} ${unit}`
}

/** `median (min - max)` of each contender, and the ratio. */
export function table(figures: readonly Figure[], names: readonly string[]): string {
  const rows = figures.map(figure => {
    const cells = names.map(name => {
      const values = figure.values[name]
      if (values === undefined || values.length === 0) return '-'
      const middle = format(median(values), figure.unit)
      if (values.length === 1) return middle
      return `${middle} (${format(Math.min(...values), figure.unit)} - ${format(Math.max(...values), figure.unit)})`
    })
    const ratio = ratioOf(figure)
    const text = ratio === undefined ? '-' : `${ratio.toFixed(2)} x ${figure.ratioOf[1]}`
    return [figure.what, String(Math.max(...names.map(name => figure.values[name]?.length ?? 0))), ...cells, text]
  })
  const all = [['', 'rounds', ...names, 'ratio'], ...rows]
  const widths = all[0]!.map((_, column) => Math.max(...all.map(row => row[column]!.length)))
  return all
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
