/** What only shows when all objects of a set are seen together. */
import type { Diagnostic } from '../diagnostic.ts'
import type { ManifestObject, ReadResult } from './types.ts'

/** Of objects with the same identity the last one counts, as with `kubectl apply`; the earlier ones are warned about. */
export function checkSet(objects: readonly ManifestObject[], diagnostics: readonly Diagnostic[]): ReadResult {
  const last = new Map<string, ManifestObject>()
  for (const object of objects) last.set(identity(object), object)
  if (last.size === objects.length) return { objects, diagnostics }
  const repeated: Diagnostic[] = []
  const kept = objects.filter(object => {
    const winner = last.get(identity(object))
    if (winner === object || winner === undefined) return true
    const line = winner.locate(['metadata', 'name']).line
    repeated.push({
      severity: 'warning',
      code: 'DuplicateObject',
      message: `${object.kind} ${object.name} is defined again at ${winner.file}:${line}, which replaces this one`,
      path: ['metadata', 'name'],
      file: object.file,
      document: object.document,
      position: object.locate(['metadata', 'name']),
    })
    return false
  })
  return { objects: kept, diagnostics: [...diagnostics, ...repeated] }
}

function identity(object: ManifestObject): string {
  // Objects without a name get one of their own when they are made.
  const name = object.name === '' ? `${object.file}\0${object.document}` : object.name
  return `${object.apiVersion}\0${object.kind}\0${object.namespace}\0${name}`
}
