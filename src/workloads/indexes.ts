/** Sets of completion indexes as Kubernetes writes them: `1,3-5,7`. */

/** Two that follow each other are written with a comma, more as a range. */
export function formatIndexes(indexes: Iterable<number>): string {
  const sorted = [...new Set(indexes)].toSorted((a, b) => a - b)
  const parts: string[] = []
  for (let i = 0; i < sorted.length; ) {
    let end = i
    while (sorted[end + 1] === sorted[end]! + 1) end++
    if (end - i >= 2) parts.push(`${sorted[i]}-${sorted[end]}`)
    else for (let j = i; j <= end; j++) parts.push(String(sorted[j]))
    i = end + 1
  }
  return parts.join(',')
}

export function parseIndexes(text: string): ReadonlySet<number> {
  const indexes = new Set<number>()
  for (const part of text.split(',')) {
    if (part === '') continue
    const [first, last = first] = part.split('-').map(Number)
    for (let index = first!; index <= last!; index++) indexes.add(index)
  }
  return indexes
}
