/**
 * A JSON null for an optional field means absent, and the zero value inside a map or a list: what Go's decoder makes of it.
 */

/** Properties that are maps of strings wherever they stand: a null value in them is the empty string. */
export const stringMapFields: ReadonlySet<string> = new Set([
  'annotations',
  'binaryData',
  'data',
  'labels',
  'matchLabels',
  'nodeSelector',
  'stringData',
  'volumeAttributes',
])

/** The value without its nulls; parts without nulls are shared with the original. */
export function dropNulls(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) {
    const hasObjects = value.some(item => typeof item === 'object' && item !== null)
    return value.map(item => (item !== null ? dropNulls(item) : hasObjects ? {} : ''))
  }
  if (typeof value !== 'object' || value === null) return value
  const isStringMap = stringMapFields.has(name)
  const kept: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    if (item !== null) kept[key] = dropNulls(item, key)
    else if (isStringMap) kept[key] = ''
  }
  return kept
}
