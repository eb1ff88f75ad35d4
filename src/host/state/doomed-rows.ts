/** Claims that go once no pod has them, in the state database. */
import type { DatabaseSync } from 'node:sqlite'
import type { ClaimName } from '../../engine/claim-port.ts'
import type { PodRecord } from '../../engine/ports.ts'
import type { PodPlan } from '../../plan/types.ts'
import { type Statement, transaction } from './database.ts'

export interface DoomedOptions {
  readonly db: DatabaseSync
  readonly sql: (text: string) => Statement
  readonly pods: () => readonly Pick<PodRecord, 'plan'>[]
}

export function openDoomedRows({ db, sql, pods }: DoomedOptions) {
  const forget = ({ namespace, claim }: ClaimName) =>
    sql('DELETE FROM doomed WHERE namespace = ? AND claim = ?').run(namespace, claim)
  const hasDoomedClaims = () => sql('SELECT 1 FROM doomed LIMIT 1').get() !== undefined
  return {
    hasDoomedClaims,
    doomClaims(claims: readonly ClaimName[]): void {
      for (const { namespace, claim } of claims) sql('INSERT OR IGNORE INTO doomed VALUES (?, ?)').run(namespace, claim)
    },
    takeDoomedClaims(take: (claim: ClaimName) => void): void {
      if (!hasDoomedClaims()) return
      // In a transaction, so that nobody adds a pod meanwhile.
      transaction(db, () => {
        const used = new Set(pods().flatMap(({ plan }) => claimsOf(plan).map(keyOf)))
        for (const row of sql('SELECT namespace, claim FROM doomed').all()) {
          const claim = { namespace: String(row.namespace), claim: String(row.claim) }
          if (used.has(keyOf(claim))) continue
          take(claim)
          forget(claim)
        }
      })
    },
    /** Within the transaction that adds the pod. */
    spareClaims(plan: PodPlan): void {
      for (const claim of claimsOf(plan)) forget(claim)
    },
  }
}

function keyOf({ namespace, claim }: ClaimName): string {
  return `${namespace}/${claim}`
}

/** The named volumes that a pod has. */
function claimsOf({ volumes }: PodPlan): readonly ClaimName[] {
  return volumes.flatMap(volume =>
    volume.kind === 'claim' && !volume.ephemeral && volume.path === undefined ? [volume] : [],
  )
}
