/** What a play waits for when it takes longer than a moment: told once for each init container, to people only. */
import { observePod } from '../engine/observe.ts'
import type { Context } from './context.ts'
import type { RealHost } from './host.ts'

/** A person begins to wonder after so many milliseconds. */
const PATIENCE_MS = 1_500

/** Tells it until it is disposed of. */
export function tellWaits(host: RealHost, app: string, { io, globals }: Context): Disposable {
  const isHeard = io.errIsTerminal || globals.logLevel === 'info' || globals.logLevel === 'debug'
  if (!isHeard) return { [Symbol.dispose]: () => {} }
  const told = new Set<string>()
  const look = () => {
    for (const record of host.state.pods({ app })) {
      if (record.removing || record.stopped) continue
      const { containers } = observePod(host, record)
      for (const { role, name } of record.plan.members) {
        const key = `${record.uid}/${name}`
        if (role !== 'init' || containers[name]?.state !== 'running' || told.has(key)) continue
        told.add(key)
        io.err(`pod ${record.plan.name}: waiting for init container ${name}\n`)
      }
    }
  }
  // A look that fails is no reason for the play to fail.
  const timer = setInterval(() => {
    try {
      look()
    } catch {
      clearInterval(timer)
    }
  }, PATIENCE_MS)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
