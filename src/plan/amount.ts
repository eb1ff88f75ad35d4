/** Quantities as plain numbers, rounded up where a whole number is needed, as the kubelet rounds them. */
import { milliValue, parseQuantity, wholeValue } from '../manifest/quantity.ts'

/** The whole number of units, at most 2^53-1, which is more than any machine has: bytes for memory. 0 for an absent one. */
export function wholeAmount(quantity: string | number | undefined): number {
  return quantity === undefined ? 0 : Math.min(Number(wholeValue(quantity)), Number.MAX_SAFE_INTEGER)
}

/** Thousandths: milli-CPUs. 0 for an absent one. */
export function milliAmount(quantity: string | number | undefined): number {
  return quantity === undefined ? 0 : Number(milliValue(quantity))
}

/** How many divisors go into the quantity, rounded up; a divisor of 0 counts as 1, as in the API. */
export function dividedAmount(quantity: string | number, divisor: string | number): number {
  const amount = parseQuantity(quantity)?.nanos ?? 0n
  const by = parseQuantity(divisor)?.nanos ?? 0n
  const unit = by > 0n ? by : 1_000_000_000n
  return Number((amount + unit - 1n) / unit)
}
