/** Starting this program again, for work that nobody waits for. */
import { spawn } from 'node:child_process'
import type { GlobalOptions } from './context.ts'

/** Each list of arguments in a process of its own, with the same global options. */
export function respawn(commands: readonly (readonly string[])[], { root, runroot, runtime }: GlobalOptions): void {
  const shared = Object.entries({ root, runroot, runtime }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  )
  for (const args of commands) {
    const program = [...process.execArgv, process.argv[1] ?? '', ...shared, ...args]
    spawn(process.execPath, program, { stdio: 'ignore', detached: true }).unref()
  }
}
