/**
 * Kubernetes quantities, exactly: `100m`, `1.5Gi`, `1e3`, `0.5`. Source: k8s.io/apimachinery/pkg/api/resource/quantity.go.
 * A quantity is a whole number of nano units here; what is finer is rounded up, as Kubernetes does.
 */

const nano = 1_000_000_000n

/** What is larger counts as this: 2^63-1 units. Source: ParseQuantity, maxAllowed. */
const maxNanos = (2n ** 63n - 1n) * nano

const binarySuffixes = new Map([
  ['Ki', 1n],
  ['Mi', 2n],
  ['Gi', 3n],
  ['Ti', 4n],
  ['Pi', 5n],
  ['Ei', 6n],
])

/** Powers of ten. */
const decimalSuffixes = new Map([
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
])

const pattern = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?[0-9]+))?$/

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent'

export interface Quantity {
  /** In billionths of the unit: of a byte, of a core. */
  readonly nanos: bigint
  readonly format: QuantityFormat
}

/** Undefined when the text is no quantity. A YAML number counts as its text. */
export function parseQuantity(source: string | number): Quantity | undefined {
  const match = pattern.exec(String(source))
  if (match === null) return undefined
  const [, sign, whole = '', fraction = '', binary, decimal, exponent] = match
  if (whole === '' && fraction === '') return undefined
  // Go reads the exponent as an int32; a larger one would be a number of gigabytes.
  const power = exponent === undefined ? (decimalSuffixes.get(decimal ?? '') ?? 0) : Number(exponent)
  if (Math.abs(power) > 10_000) return undefined
  const digits = BigInt(whole + fraction)
  const scale = binary === undefined ? 1n : 1024n ** (binarySuffixes.get(binary) ?? 0n)
  const tens = power - fraction.length + 9
  const scaled = digits * scale
  const exact = tens >= 0 ? scaled * 10n ** BigInt(tens) : ceilDivide(scaled, 10n ** BigInt(-tens))
  const nanos = exact > maxNanos ? maxNanos : exact
  const format = binary !== undefined ? 'BinarySI' : exponent !== undefined ? 'DecimalExponent' : 'DecimalSI'
  return { nanos: sign === '-' ? -nanos : nanos, format }
}

/** Rounds away from zero, for a dividend that is not negative. */
function ceilDivide(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor
}

function nanosOf(source: string | number): bigint {
  return parseQuantity(source)?.nanos ?? 0n
}

function roundUp(nanos: bigint, unit: bigint): bigint {
  return nanos >= 0n ? ceilDivide(nanos, unit) : -ceilDivide(-nanos, unit)
}

/** Thousandths, rounded away from zero: of a core, for cpu. 0 for what is no quantity. */
export function milliValue(source: string | number): bigint {
  return roundUp(nanosOf(source), nano / 1000n)
}

/** Whole units, rounded away from zero: bytes, for memory. 0 for what is no quantity. */
export function wholeValue(source: string | number): bigint {
  return roundUp(nanosOf(source), nano)
}

/** Bytes, rounded up. 0 for what is no quantity. */
export function bytesValue(source: string | number): bigint {
  return wholeValue(source)
}

/** Negative, 0 or positive, as the first is less than, equal to or greater than the second. */
export function compareQuantities(a: string | number, b: string | number): number {
  const left = nanosOf(a)
  const right = nanosOf(b)
  return left < right ? -1 : left > right ? 1 : 0
}

/**
 * The canonical text, as an API server prints it: `0.5` is `500m`, `1024Mi` is `1Gi`, `1e3` is `1e3`. What is no quantity
 * stays as it is.
 */
export function formatQuantity(source: string | number): string {
  const quantity = parseQuantity(source)
  return quantity === undefined ? String(source) : printQuantity(quantity)
}

/** The canonical text of an amount. */
export function printQuantity({ nanos, format }: Quantity): string {
  if (nanos === 0n) return '0'
  const sign = nanos < 0n ? '-' : ''
  const absolute = nanos < 0n ? -nanos : nanos
  const useBinary = format === 'BinarySI' && absolute >= 1024n * nano && absolute % nano === 0n
  if (useBinary) return sign + formatBinary(absolute / nano)
  return sign + formatDecimal(absolute, format === 'DecimalExponent')
}

function formatBinary(value: bigint): string {
  let rest = value
  let power = 0
  while (power < 6 && rest % 1024n === 0n) {
    rest /= 1024n
    power++
  }
  return `${rest}${[...binarySuffixes.keys()][power - 1] ?? ''}`
}

function formatDecimal(nanos: bigint, asExponent: boolean): string {
  let rest = nanos
  let power = -9
  while (power < 18 && rest % 1000n === 0n) {
    rest /= 1000n
    power += 3
  }
  if (asExponent) return power === 0 ? String(rest) : `${rest}e${power}`
  const suffix = [...decimalSuffixes].find(([, exponent]) => exponent === power)?.[0] ?? ''
  return `${rest}${suffix}`
}
