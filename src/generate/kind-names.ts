/** Kinds by the names people type. */
import { knownKinds } from '../manifest/kinds.ts'

/** `Deployment` for `deployment`, `deployments`, `deploy` in any case; undefined for an unknown one. */
export function findKindByName(text: string): string | undefined {
  const word = text.toLowerCase()
  return knownKinds.find(
    ({ kind, plural, shortNames }) => kind.toLowerCase() === word || plural === word || shortNames.includes(word),
  )?.kind
}
