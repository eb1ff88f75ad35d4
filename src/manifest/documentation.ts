/** What the build knows of all definitions, loaded by those who explain them. */
import type { FieldTypes } from './support/marks.ts'

/** client-node's documentation of a definition. */
export interface DefinitionDocs {
  readonly description: string
  readonly required: readonly string[]
  readonly fields: Readonly<Record<string, string>>
}

/** The properties of every definition with their types in a word. */
export async function loadFieldTypes(): Promise<FieldTypes> {
  return (await import('#validators/fields.js')).fields
}

/** The documentation of every definition. */
export async function loadDocumentation(): Promise<Readonly<Record<string, DefinitionDocs>>> {
  return (await import('#validators/docs.js')).docs
}
