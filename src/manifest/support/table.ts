/** The whole support table and how it is asked. */
import { metadataSupport } from './metadata-table.ts'
import { objectSupport } from './object-table.ts'
import { podSupport } from './pod-table.ts'
import type { FieldSupport, SupportTable } from './types.ts'
import { workloadSupport } from './workload-table.ts'

/** By definition; the definitions below accepted and refused fields are not in it. */
export const supportTable: SupportTable = {
  ...metadataSupport,
  ...podSupport,
  ...workloadSupport,
  ...objectSupport,
}

const honoured: FieldSupport = { state: 'honoured', reason: '' }

/** What becomes of a field of a definition; undefined when the table does not say. */
export function supportOf(definition: string, field: string): FieldSupport | undefined {
  const entry = supportTable[definition]
  if (entry === undefined) return undefined
  if (entry.honoured?.split(' ').includes(field) === true) return honoured
  const accepted = entry.accepted?.[field]
  if (accepted !== undefined) return { state: 'accepted', reason: accepted }
  const refused = entry.refused?.[field]
  return refused === undefined ? undefined : { state: 'refused', reason: refused }
}
