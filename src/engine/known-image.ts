/** Images, for whoever can do without them. */
import type { EngineImage, Host } from './ports.ts'

/** Undefined as well where the store cannot be opened: looking at containers and ending them must work all the same. */
export function knownImage(host: Host, reference: string): EngineImage | undefined {
  try {
    return host.images.find(reference)
  } catch {
    return undefined
  }
}
