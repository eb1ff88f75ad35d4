/** Values as Go's fmt prints them. Source: pkg.go.dev/fmt. Pure. */

/** As a template prints it. */
export function printText(value: unknown): string {
  return value === undefined || value === null ? '<no value>' : formatValue(value)
}

/** Blanks stand between two of which neither is text. */
export function printValues(values: readonly unknown[]): string {
  return values
    .map((value, index) => {
      const isApart = index > 0 && typeof value !== 'string' && typeof values[index - 1] !== 'string'
      return `${isApart ? ' ' : ''}${formatValue(value)}`
    })
    .join('')
}

/** By a verb of Printf. Numbers of JSON are floats, but who writes `%d` means a whole number. */
export function formatValue(value: unknown, verb = 'v', precision?: number): string {
  if (verb === 'q' && typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number' && verb === 'd') return String(Math.trunc(value))
  if (typeof value === 'number' && verb === 'f') return value.toFixed(precision ?? 6)
  if (value === undefined || value === null) return '<nil>'
  if (typeof value === 'number') return numberText(value)
  if (Array.isArray(value)) return `[${value.map(item => formatValue(item)).join(' ')}]`
  if (typeof value === 'object') {
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
    return `map[${entries.map(([key, item]) => `${key}:${formatValue(item)}`).join(' ')}]`
  }
  const text = String(value)
  return precision === undefined ? text : text.slice(0, precision)
}

/** The power of ten from which on Go writes an exponent, of the shortest form of a number. Source: strconv, FormatFloat. */
const EXPONENT = 6

/** As Go prints a float64: with two digits of an exponent at least. */
function numberText(value: number): string {
  const [digits = '', exponent] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power >= -4 && power < EXPONENT) return String(value)
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}
