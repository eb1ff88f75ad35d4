/** The apps that a supervisor holds: each for several pods at once, and only until another command wants it. */
import type { Host } from '../engine/ports.ts'

export interface Claims {
  /** Aborted when the app is to be let go soon; undefined: another command has it, or waits for it. */
  claim(app: string): AbortSignal | undefined
  /** Holds an app that is held already for one more, who goes on after the first has let go. */
  share(app: string): void
  release(app: string): void
}

/** How often it is asked whether another command waits for what is held, in milliseconds. */
const ASK_MS = 50

/** `signal`: the supervisor ends. */
export function sharedClaims(host: Host, signal: AbortSignal): Claims {
  const held = new Map<string, { count: number; readonly abort: AbortController }>()
  let timer: NodeJS.Timeout | undefined

  function ask(): void {
    for (const [app, { abort }] of held) if (!abort.signal.aborted && host.state.isAppWanted(app)) abort.abort()
  }

  signal.addEventListener('abort', () => {
    for (const { abort } of held.values()) abort.abort()
  })

  return {
    claim(app) {
      const known = held.get(app)
      if (signal.aborted || known?.abort.signal.aborted) return undefined
      if (!known && host.state.claimApp(app).heldBy !== undefined) return undefined
      const claim = known ?? { count: 0, abort: new AbortController() }
      claim.count++
      held.set(app, claim)
      timer ??= setInterval(ask, ASK_MS)
      return claim.abort.signal
    },
    share(app) {
      const claim = held.get(app)
      if (claim) claim.count++
    },
    release(app) {
      const claim = held.get(app)
      if (!claim || --claim.count > 0) return
      held.delete(app)
      host.state.releaseApp(app)
      if (held.size > 0) return
      clearInterval(timer)
      timer = undefined
    },
  }
}
