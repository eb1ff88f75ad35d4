/** Writes `docs/support.md` from the support table. Run it with `npm run docs`; a test fails while the file is not current. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { supportMarkdown } from '../src/manifest/support/listing.ts'
import { fieldTypes } from './build-validators.ts'
import type { Definitions } from './generate-schemas.ts'

/** The text of `docs/support.md`. */
export function supportDocument(): string {
  const schemas = new URL('../schemas/definitions.json', import.meta.url)
  const { definitions } = JSON.parse(readFileSync(schemas, 'utf8')) as Definitions
  return supportMarkdown(fieldTypes(definitions))
}

if (import.meta.main) {
  mkdirSync(new URL('../docs/', import.meta.url), { recursive: true })
  writeFileSync(new URL('../docs/support.md', import.meta.url), supportDocument())
}
