/** What is in a directory that may not be there. */
import { readdirSync } from 'node:fs'
import { errnoOf } from '../../diagnostic.ts'

/** The names of its entries, in no order; none where there is no such directory. Fails as readdir(3) does otherwise. */
export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
