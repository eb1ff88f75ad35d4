/** What a play leaves running besides the containers' own commands, and the memory it holds. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface Held {
  readonly processes: number
  /** Proportional set size: shared pages count once over all. */
  readonly pssBytes: number
  /** Containers whose command runs. */
  readonly containers: number
}

interface Process {
  readonly pid: number
  readonly parent: number
  readonly command: string
  /** `net:[4026531840]`. */
  readonly network: string
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function processes(): readonly Process[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      const command = orNothing(() => readFileSync(`/proc/${name}/cmdline`, 'utf8'))
      const stat = orNothing(() => readFileSync(`/proc/${name}/stat`, 'utf8'))
      const network = orNothing(() => readlinkSync(`/proc/${name}/ns/net`))
      if (command === undefined || stat === undefined || network === undefined) return []
      // The second field can hold anything, so count from its closing parenthesis.
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      return [{ pid: Number(name), parent, command: command.replaceAll('\0', ' ').trim(), network }]
    })
}

export function processIds(): ReadonlySet<number> {
  return new Set(processes().map(process => process.pid))
}

function pssBytes(pid: number): number {
  const text = orNothing(() => readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? ''
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024
}

/**
 * @param payload The command line of the containers' processes; those themselves are not counted.
 * @param before The processes that were there before the play.
 * @param helpers What other processes of the contender have in their command lines.
 */
export function heldMemory(payload: string, before: ReadonlySet<number>, helpers: RegExp): Held {
  const fresh = processes().filter(process => !before.has(process.pid))
  const own = readlinkSync('/proc/self/ns/net')
  const payloads = fresh.filter(process => process.command === payload)
  const networks = new Set(payloads.map(process => process.network).filter(network => network !== own))
  const parents = new Set(payloads.map(process => process.parent))
  const held = fresh.filter(
    process =>
      process.command !== payload &&
      (networks.has(process.network) || parents.has(process.pid) || helpers.test(process.command)),
  )
  return {
    processes: held.length,
    pssBytes: held.reduce((sum, { pid }) => sum + pssBytes(pid), 0),
    containers: payloads.length,
  }
}
