/** Paths as text. Nothing here looks at a file system: links are resolved by whoever opens the path. */

/** Whether a path starts at the root. */
export function isAbsolute(path: string): boolean {
  return path.startsWith('/')
}

/** Joins and removes `.`, `..` and repeated or trailing slashes; the base must be absolute. */
export function resolvePath(base: string, path: string): string {
  const parts: string[] = []
  for (const part of (isAbsolute(path) ? path : `${base}/${path}`).split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

/** Whether one of the path's parts is `..`. */
export function hasDotDot(path: string): boolean {
  return path.split('/').includes('..')
}
