/** Claims: one command at a time changes an app. */
import { setTimeout as delay } from 'node:timers/promises'
import { KubeError } from '../diagnostic.ts'
import type { Host } from './ports.ts'

/** How often a claim that another process holds is asked for again, in milliseconds. */
const ASK_MS = 50
/** A supervisor has an app again and again for a moment: nobody is told of a wait that is over by then, in milliseconds. */
const TELL_MS = 500

/** Waits until the app is free, and holds it until disposed of. `onWait` is told once, after a while, who holds it. */
export async function claimApp(
  host: Host,
  app: string,
  options: { readonly signal?: AbortSignal; readonly onWait?: (pid: number) => void } = {},
): Promise<Disposable> {
  for (let waited = 0; ; waited += ASK_MS) {
    const { heldBy } = host.state.claimApp(app, true)
    if (heldBy === undefined) return { [Symbol.dispose]: () => release(host, app) }
    if (waited === TELL_MS) options.onWait?.(heldBy)
    if (options.signal?.aborted) {
      release(host, app)
      throw new KubeError('Interrupted', 'interrupted')
    }
    await delay(ASK_MS)
  }
}

/** Holds the app until disposed of; undefined where another process has it, or waits for it. */
export function tryClaimApp(host: Host, app: string): Disposable | undefined {
  const { heldBy } = host.state.claimApp(app)
  return heldBy === undefined ? { [Symbol.dispose]: () => release(host, app) } : undefined
}

/** A claim that can't be released, on a full disk, ends with the process: that must not hide what went wrong before. */
function release(host: Host, app: string): void {
  try {
    host.state.releaseApp(app)
  } catch {
    // See above.
  }
}
