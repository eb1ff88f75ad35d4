/**
 * Integers beyond those that a double holds one by one. An API server keeps every int64; here those stay that a double
 * holds exactly, and the largest int64, which manifests have for "without end". Others are refused where they are read.
 */

/** The nearest double to the largest int64, and to no other integer that is let in. */
const LARGEST = 2 ** 63
const LARGEST_TEXT = '9223372036854775807'

/** A plain scalar that go-yaml takes for an integer; undefined for any other. Source: go.yaml.in/yaml/v2 resolve.go. */
export function integerOf(source: string): bigint | undefined {
  const [, sign, digits] =
    /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/.exec(source.replaceAll('_', '')) ?? []
  if (digits === undefined) return undefined
  const value = BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits)
  return sign === '-' ? -value : value
}

/** All digits of a number, as JSON and YAML have them. */
export function numberText(value: number): string {
  if (value === LARGEST) return LARGEST_TEXT
  return Number.isInteger(value) && !Number.isSafeInteger(value) && value >= -LARGEST && value < LARGEST
    ? BigInt(value).toString()
    : String(value)
}

/** Of ES2026: a number by its digits. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown }

/** JSON with all digits of its numbers; otherwise as `JSON.stringify` makes it. Undefined for what is no JSON. */
export function jsonText(value: unknown, indent?: number): string | undefined {
  const text = JSON.stringify(value, null, indent)
  if (text === undefined || !/[0-9]{16}/.test(text)) return text
  const withDigits = (_key: string, item: unknown) =>
    typeof item === 'number' && !Number.isSafeInteger(item) && Number.isInteger(item) ? rawJSON(numberText(item)) : item
  return JSON.stringify(value, withDigits, indent)
}
