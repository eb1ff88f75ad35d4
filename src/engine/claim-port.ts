/** What becomes of the volumes of claims that a StatefulSet does not keep. */
import type { ClaimName } from '../workloads/types.ts'

export type { ClaimName }

/** Claims that are to go, among the records. */
export interface DoomedClaims {
  /** The claims' volumes go once no pod has them; pods that are added later and have them keep them. */
  doomClaims(claims: readonly ClaimName[]): void
  hasDoomedClaims(): boolean
  /** Calls back for each that no pod has, before any pod can be added, and forgets it. */
  takeDoomedClaims(take: (claim: ClaimName) => void): void
}

/** Directories of claims. */
export interface ClaimVolumes {
  /** Claims that have a volume. */
  claims(): readonly ClaimName[]
  /** Puts the claim's volume away at once, for `removeDiscarded`. Nothing where there is none. */
  discardClaim(claim: ClaimName): void
  /** Removes what was put away, also by commands that were killed. The caller holds the machine's lock. */
  removeDiscarded(): Promise<void>
}
