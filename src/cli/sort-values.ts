/** The order of `--sort-by`. Source: kubectl pkg/cmd/get/sorter.go. Pure. */
import { compareQuantities, parseQuantity } from '../manifest/quantity.ts'

/**
 * Negative, 0 or positive, as the first comes before, with or after the second: numbers and quantities by their amount, other
 * text with the numbers in it as numbers (`10.0.0.9` before `10.0.0.10`). What is not there comes first.
 */
export function compareValues(a: unknown, b: unknown): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined)
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const [x, y] = [String(a), String(b)]
  if (isQuantity(x) && isQuantity(y)) return compareQuantities(x, y)
  return compareNatural(x, y)
}

function isQuantity(text: string): boolean {
  return parseQuantity(text) !== undefined
}

function compareNatural(a: string, b: string): number {
  const [left, right] = [chunksOf(a), chunksOf(b)]
  for (const [index, one] of left.entries()) {
    const other = right[index]
    if (other === undefined) return 1
    if (one === other) continue
    if (/^\d/.test(one) && /^\d/.test(other) && BigInt(one) !== BigInt(other))
      return BigInt(one) < BigInt(other) ? -1 : 1
    return one < other ? -1 : 1
  }
  return left.length - right.length
}

function chunksOf(text: string): readonly string[] {
  return text.match(/\d+|\D+/g) ?? []
}
