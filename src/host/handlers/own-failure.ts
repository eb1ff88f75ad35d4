/** Failures of a request that say nothing of whom it was sent to: this machine is short of something. */
import { errnoOf } from '../../diagnostic.ts'

/** Source: socket(2), connect(2). EADDRNOTAVAIL: every local port is in use. */
const SHORTAGES: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EADDRNOTAVAIL'])

/** To be spread into the outcome. */
export function unaskedBy(error: unknown): { readonly unasked?: true } {
  return SHORTAGES.has(errnoOf(error)) ? { unasked: true } : {}
}
