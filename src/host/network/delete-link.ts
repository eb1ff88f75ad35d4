/** Removing network links of this machine by name. */
import { readdirSync } from 'node:fs'
import { openLinkRemoval } from './link-removal.ts'

/** Names of the links that a bridge has; none when it is not there. */
export function linksOf(bridge: string): readonly string[] {
  try {
    return readdirSync(`/sys/class/net/${bridge}/brif`)
  } catch {
    return []
  }
}

/** A link that is not there is no error. */
export async function removeLinks(names: readonly string[]): Promise<void> {
  using removal = openLinkRemoval()
  await Promise.all(names.map(removal.remove))
}
