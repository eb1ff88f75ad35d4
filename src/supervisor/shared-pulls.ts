/** Pulls of one supervisor: pods that want the same image at the same time wait for the same pull. */
import { KubeError } from '../diagnostic.ts'
import type { EngineImage, Host } from '../engine/ports.ts'
import type { Pull } from './image-pulls.ts'

/** `signal` ends them all. */
export function sharedPulls(host: Host, signal: AbortSignal): Pull {
  const running = new Map<string, Promise<EngineImage>>()
  return (image, authTexts) => {
    const key = JSON.stringify([image, ...authTexts])
    const known = running.get(key)
    if (known) return known
    const pull = host.images
      .pull(image, { signal, authTexts })
      .catch((error: unknown) => {
        throw signal.aborted ? new KubeError('Interrupted', 'interrupted') : error
      })
      .finally(() => running.delete(key))
    running.set(key, pull)
    return pull
  }
}
