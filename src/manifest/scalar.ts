/**
 * How Kubernetes reads a plain YAML scalar. Source: go.yaml.in/yaml/v2 resolve.go, which sigs.k8s.io/yaml uses: YAML 1.1
 * booleans and octals, YAML 1.2 octals, no base 60, timestamps stay strings.
 */

export type ScalarValue = string | number | boolean | null

const words = new Map<string, ScalarValue>([
  ['', null],
  ['~', null],
  ['null', null],
  ['Null', null],
  ['NULL', null],
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map(word => [word, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map(word => [word, false] as const),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map(word => [word, Number.POSITIVE_INFINITY] as const),
  ...['-.inf', '-.Inf', '-.INF'].map(word => [word, Number.NEGATIVE_INFINITY] as const),
  ...['.nan', '.NaN', '.NAN'].map(word => [word, Number.NaN] as const),
])

/** The characters that a scalar other than a string can start with. */
const maybeTyped = /^[-+.0-9~yYnNtTfFoO]/
const float = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/
const decimal = /^[-+]?(0|[1-9][0-9]*)$/
const based = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+)$/

/** The value of a plain scalar, `text` being its source without surrounding space. */
export function resolvePlain(text: string): ScalarValue {
  if (text === '') return null
  if (!maybeTyped.test(text)) return text
  const word = words.get(text)
  if (word !== undefined) return word
  const first = text.charCodeAt(0)
  // A full stop starts a float without separators; letters start only the words above.
  if (first === 0x2e) return float.test(text) ? Number(text) : text
  if (first > 0x39 || first < 0x2b) return text
  const digits = text.includes('_') ? text.replaceAll('_', '') : text
  if (decimal.test(digits)) return Number(digits)
  const number = based.exec(digits)
  if (number !== null) return basedInteger(number[1] ?? '', number[2] ?? '') ?? text
  return float.test(digits) ? Number(digits) : text
}

/** Undefined for what Go's 64-bit parsers refuse. */
function basedInteger(sign: string, digits: string): number | undefined {
  const literal = /^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits
  const value = BigInt(literal)
  if (value >= 2n ** 64n || (sign === '-' && value > 2n ** 63n)) return undefined
  return sign === '-' ? -Number(value) : Number(value)
}

/** Whether a reader of Kubernetes' YAML takes this plain text for something else than the same string. */
export function needsQuotes(text: string): boolean {
  return resolvePlain(text) !== text
}
