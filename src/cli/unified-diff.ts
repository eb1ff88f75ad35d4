/** The difference between two texts, as `diff -u` prints it. Pure. */

/** Lines around a change. */
const CONTEXT = 3

/** More edits than these are not counted out: everything is another text then. Their cost grows with the square. */
const EDITS = 2000

interface Edit {
  readonly sign: ' ' | '-' | '+'
  readonly line: string
}

/** Hunks only, without the names of files; empty when the texts are equal. */
export function unifiedDiff(before: string, after: string): string {
  if (before === after) return ''
  const edits = editsBetween(linesOf(before), linesOf(after))
  let text = ''
  let old = 1
  let fresh = 1
  for (let i = 0; i < edits.length; ) {
    if (edits[i]!.sign === ' ') {
      old++
      fresh++
      i++
      continue
    }
    const start = Math.max(0, i - CONTEXT)
    const end = hunkEnd(edits, i)
    const hunk = edits.slice(start, end)
    const lead = i - start
    const oldCount = hunk.filter(({ sign }) => sign !== '+').length
    const newCount = hunk.filter(({ sign }) => sign !== '-').length
    text += `@@ -${span(old - lead, oldCount)} +${span(fresh - lead, newCount)} @@\n`
    text += hunk.map(({ sign, line }) => `${sign}${line}\n`).join('')
    old += oldCount - lead
    fresh += newCount - lead
    i = end
  }
  return text
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

/** After the last change that is near enough to the one before it, and what stands around it. */
function hunkEnd(edits: readonly Edit[], from: number): number {
  let last = from
  for (let i = from; i < edits.length && i <= last + 2 * CONTEXT; i++) if (edits[i]!.sign !== ' ') last = i
  return Math.min(edits.length, last + CONTEXT + 1)
}

/** An empty range starts at the line before it. */
function span(start: number, count: number): string {
  return count === 1 ? String(start) : `${count === 0 ? start - 1 : start},${count}`
}

/** The fewest lines to take away and to add. Source: Myers, "An O(ND) Difference Algorithm and Its Variations". */
function editsBetween(before: readonly string[], after: readonly string[]): readonly Edit[] {
  const [n, m] = [before.length, after.length]
  const reach: number[][] = []
  let front = new Map([[1, 0]])
  for (let d = 0; ; d++) {
    if (d > EDITS) return replaced(before, after)
    const next = new Map(front)
    reach.push([])
    let isDone = false
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (next.get(k - 1) ?? -1) < (next.get(k + 1) ?? -1))
      let x = down ? (next.get(k + 1) ?? 0) : (next.get(k - 1) ?? 0) + 1
      let y = x - k
      while (x < n && y < m && before[x] === after[y]) {
        x++
        y++
      }
      next.set(k, x)
      reach[d]![k + d] = x
      if (x >= n && y >= m) {
        isDone = true
        break
      }
    }
    front = next
    if (isDone) return trace(before, after, reach)
  }
}

function replaced(before: readonly string[], after: readonly string[]): readonly Edit[] {
  return [...before.map(line => ({ sign: '-', line }) as const), ...after.map(line => ({ sign: '+', line }) as const)]
}

/** Back from the end, by how far each number of edits reached. */
function trace(before: readonly string[], after: readonly string[], reach: readonly (readonly number[])[]): Edit[] {
  const edits: Edit[] = []
  let [x, y] = [before.length, after.length]
  for (let d = reach.length - 1; d > 0; d--) {
    const k = x - y
    const at = (diagonal: number) => reach[d - 1]![diagonal + d - 1] ?? -1
    const down = k === -d || (k !== d && at(k - 1) < at(k + 1))
    const startX = down ? at(k + 1) : at(k - 1)
    const startY = startX - (down ? k + 1 : k - 1)
    while (x > startX && y > startY && (x > startX + (down ? 0 : 1) || y > startY + (down ? 1 : 0))) {
      x--
      y--
      edits.push({ sign: ' ', line: before[x]! })
    }
    if (down) edits.push({ sign: '+', line: after[--y]! })
    else edits.push({ sign: '-', line: before[--x]! })
  }
  while (x > 0 && y > 0) {
    x--
    y--
    edits.push({ sign: ' ', line: before[x]! })
  }
  return edits.reverse()
}
