/** The nftables rules of one network, on the machine: applied when they differ from what was applied last. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { KubeError } from '../../diagnostic.ts'
import { fingerprint } from '../../plan/fingerprint.ts'
import { runNft } from '../sys/libnftables.ts'
import { bootId } from '../sys/process-identity.ts'
import { allowForwarding, forgetForwarding } from './forwarding.ts'
import { type FirewallPlan, firewallRules, noTable, type PodSource, sourceElement, sourceRules } from './ruleset.ts'

export interface FirewallOptions {
  /** Remembers what was applied last. */
  readonly stateFile: string
  readonly table: string
  readonly bridge: string
  /** What the records call for. */
  readonly plan: () => FirewallPlan
  readonly sources: () => readonly PodSource[]
  /** Whether this process has CAP_NET_ADMIN. */
  readonly mayChange: () => boolean
}

export interface SyncOptions {
  /** Whether the network is there. */
  readonly isNeeded: boolean
  /** Looks whether someone took the rules away. Default false. */
  readonly verify?: boolean
}

/** A kernel without the bridge family, or without what the rules of it need. */
const NOT_SUPPORTED = /not supported|No such file or directory/

export type Firewall = (options: SyncOptions) => Promise<void>

export function openFirewall(options: FirewallOptions): Firewall {
  const { stateFile, table, bridge } = options

  /** Both tables in one transaction; a kernel that cannot guard the bridge has the other one. */
  async function apply(rules: string, guard: string): Promise<string | undefined> {
    const problem = await runNft(`${rules}${guard}`)
    return problem !== undefined && NOT_SUPPORTED.test(problem) ? runNft(rules) : problem
  }

  async function isThere(): Promise<boolean> {
    const tables = (await Promise.all([runNft(`list table ip ${table}`), runNft(`list table bridge ${table}`)])) as [
      string | undefined,
      string | undefined,
    ]
    return tables.every(problem => problem === undefined)
  }

  return async ({ isNeeded, verify = false }) => {
    // Who may not take rules away has never made any. nftables would say on standard error what it lacks.
    if (!isNeeded && !options.mayChange()) return
    const sources = isNeeded ? options.sources() : []
    const rules = isNeeded ? firewallRules(options.plan()) : noTable('ip', table)
    const guard = isNeeded ? sourceRules(table, sources) : noTable('bridge', table)
    // What is there of pods that are gone goes with the next change: nobody can send by their links.
    const mark = `${bootId()} ${fingerprint(rules)} ${fingerprint(isNeeded ? sourceRules(table, []) : guard)}`
    const elements = sources.map(sourceElement)
    const [lastMark, ...held] = read(stateFile).split('\n')
    const isHeld = new Set(held)
    if (lastMark === mark && elements.every(element => isHeld.has(element))) {
      if (!verify) return
      if (isNeeded) await allowForwarding(bridge)
      if (await isThere()) return
    }
    // A command that dies between the two must not leave a mark that is not true.
    rmSync(stateFile, { force: true })
    const forwarding = isNeeded ? allowForwarding(bridge) : forgetForwarding(bridge)
    const [problem] = await Promise.all([apply(rules, guard), forwarding])
    // The right may be one over another network namespace.
    if (!isNeeded && problem?.includes('Operation not permitted')) return
    if (problem !== undefined) throw new KubeError('FirewallFailed', `apply nftables rules: ${problem.split('\n')[0]}`)
    writeFileSync(stateFile, [mark, ...elements].join('\n'), { mode: 0o600 })
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
