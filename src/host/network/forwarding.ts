/**
 * Where Docker, ufw or an administrator has the machine forward nothing by default (`iptables -P FORWARD DROP`), an accepting
 * rule in a table of our own would not help: pods get theirs in the chain that drops. Only replies, and what a published port
 * leads to, may come in.
 */
import { findProgram } from '../sys/find-program.ts'
import { askNft } from '../sys/libnftables.ts'
import { run } from '../sys/run.ts'

const FORWARD = 'list chain ip filter FORWARD'

/** By iptables, whose users cannot read what nft alone can say, such as a connection's state. */
function rulesOf(bridge: string): readonly (readonly string[])[] {
  return [
    ['--in-interface', bridge, '--jump', 'ACCEPT'],
    ['--out-interface', bridge, '-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED,DNAT', '--jump', 'ACCEPT'],
  ]
}

/** Lets a bridge's packets through, where they would be dropped and are not let through already. */
export async function allowForwarding(bridge: string): Promise<void> {
  const chain = (await askNft(FORWARD)) ?? ''
  if (/policy drop/.test(chain) && !chain.includes(`"${bridge}"`)) await change('--insert', bridge)
}

/** Takes away what `allowForwarding` made, if it is there. */
export async function forgetForwarding(bridge: string): Promise<void> {
  if ((await askNft(FORWARD))?.includes(`"${bridge}"`)) await change('--delete', bridge)
}

async function change(how: '--insert' | '--delete', bridge: string): Promise<void> {
  const iptables = findProgram('iptables')
  // Such a chain without the program that made it: whoever wrote it by hand says what may pass.
  if (iptables === undefined) return
  for (const rule of rulesOf(bridge)) await run(iptables, ['--wait', how, 'FORWARD', ...rule])
}
