/** Names for objects that have only a `generateName`. */
import type { ManifestObject } from '../manifest/types.ts'
import { generatedName } from './names.ts'

/**
 * Each object with its name: one without gets its `generateName` and five letters that its content decides, so that the
 * same manifest names the same object. Equal objects get different names.
 */
export function withGeneratedNames(objects: readonly ManifestObject[]): readonly ManifestObject[] {
  if (objects.every(({ name }) => name !== '')) return objects
  const taken = new Map<string, Set<string>>()
  for (const object of objects) takenOf(taken, object).add(object.name)
  return objects.map(object => {
    const { name, namespace, value } = object
    const prefix = value.metadata.generateName
    if (name !== '' || prefix === undefined) return object
    const names = takenOf(taken, object)
    const { labels, annotations } = value.metadata
    const made = generatedName(prefix, [namespace, { ...value, metadata: { labels, annotations } }], names)
    names.add(made)
    return { ...object, name: made, value: { ...value, metadata: { ...value.metadata, name: made } } }
  })
}

function takenOf(taken: Map<string, Set<string>>, { kind, namespace }: ManifestObject): Set<string> {
  const key = `${kind}/${namespace}`
  const names = taken.get(key) ?? new Set()
  taken.set(key, names)
  return names
}
