/** Versions of programs. */

/** `1.8` is older than `1.14`. False when there is no number in `version`: it is not known. */
export function isOlder(version: string, than: string): boolean {
  const numbers = (text: string) => (/\d+(?:\.\d+)*/.exec(text)?.[0] ?? '').split('.').filter(Boolean).map(Number)
  const own = numbers(version)
  if (own.length === 0) return false
  for (const [index, number] of numbers(than).entries()) {
    const difference = (own[index] ?? 0) - number
    if (difference !== 0) return difference < 0
  }
  return false
}
