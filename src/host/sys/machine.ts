/** Facts about this machine, from the kernel's own files. */
import { readFileSync, statfsSync } from 'node:fs'
import { availableParallelism, hostname, networkInterfaces, totalmem } from 'node:os'
import { ALL_CAPABILITIES } from '../../plan/capabilities.ts'
import type { MachineFacts, ResolvFacts } from '../../plan/facts.ts'
import { cgroupVersion } from '../runtime/cgroups.ts'
import { appArmorEnabled, DEFAULT_APP_ARMOR_PROFILE, hasDefaultProfile } from './app-armor.ts'
import { deviceNodes } from './device-nodes.ts'

/** Capability numbers. Source: linux/capability.h. */
const CAP_SYS_RESOURCE = 24n

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'SCMP_ARCH_X86_64',
  arm64: 'SCMP_ARCH_AARCH64',
  arm: 'SCMP_ARCH_ARM',
  riscv64: 'SCMP_ARCH_RISCV64',
  ppc64: 'SCMP_ARCH_PPC64LE',
  s390x: 'SCMP_ARCH_S390X',
}

/** `root` is on the disk that holds containers. */
export function readMachineFacts(root = '/'): MachineFacts {
  const status = readText('/proc/self/status')
  const mayRaiseLimits = hasCapability(status, CAP_SYS_RESOURCE)
  let hostIps: readonly string[] | undefined
  return {
    nodeName: hostname().toLowerCase(),
    // Each pod has an interface to be asked for.
    get hostIps() {
      hostIps ??= machineAddresses()
      return hostIps
    },
    cgroupVersion: cgroupVersion(),
    ...(mayRaiseLimits
      ? {}
      : { rlimitCeiling: { nofile: hardLimit('Max open files'), nproc: hardLimit('Max processes') } }),
    minOomScoreAdj: mayRaiseLimits ? -1000 : Number(readText('/proc/self/oom_score_adj')),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    seccomp: status.includes('Seccomp_filters'),
    appArmor: appArmorEnabled(),
    // Loaded with the first pod after a boot.
    get appArmorDefault() {
      return hasDefaultProfile() ? DEFAULT_APP_ARMOR_PROFILE : undefined
    },
    seLinux: readText('/sys/fs/selinux/enforce') !== '',
    architecture: ARCHITECTURES[process.arch] ?? 'SCMP_ARCH_NATIVE',
    resolv: machineResolv(),
    seccompRoot: '/var/lib/kubelet/seccomp',
    swapAccounting: readText('/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes') !== '',
    hostsFile: readText('/etc/hosts'),
    capabilities: ALL_CAPABILITIES.filter((_, bit) => hasCapability(status, BigInt(bit))),
    get diskBytes() {
      const disk = statfsSync(root)
      return disk.bsize * disk.blocks
    },
    // Only a privileged container needs them.
    get devices() {
      return deviceNodes()
    },
  }
}

/** Whether a capability is in the set that /proc/PID/status shows. */
function hasCapability(status: string, bit: bigint): boolean {
  const mask = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'
  return ((BigInt(`0x${mask}`) >> bit) & 1n) === 1n
}

/** A hard limit of this process; unlimited is the largest number there is. */
function hardLimit(name: string): number {
  const line = readText('/proc/self/limits')
    .split('\n')
    .find(text => text.startsWith(name))
  const hard = line?.slice(26).trim().split(/\s+/)[1]
  return hard === undefined || hard === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(hard)
}

/** IPv4 addresses that others can reach, that of the default route's interface first. */
function machineAddresses(): readonly string[] {
  const main = readText('/proc/net/route')
    .split('\n')
    .map(line => line.split('\t'))
    .find(fields => fields[1] === '00000000')?.[0]
  const interfaces = Object.entries(networkInterfaces()).filter(
    ([name]) => !/^(kube|veth|docker|podman|cni)/.test(name),
  )
  const addresses = interfaces
    .sort(([a], [b]) => Number(b === main) - Number(a === main))
    .flatMap(([, list = []]) =>
      list.filter(entry => entry.family === 'IPv4' && !entry.internal).map(entry => entry.address),
    )
  return addresses.length > 0 ? addresses : ['127.0.0.1']
}

/** The machine's resolver settings; where its own is systemd-resolved's stub, those behind the stub: a pod can't reach it. */
function machineResolv(): ResolvFacts {
  const own = parseResolv(readText('/etc/resolv.conf'))
  const reachable = own.nameservers.filter(server => !server.startsWith('127.') && server !== '::1')
  if (reachable.length > 0 || own.nameservers.length === 0) return { ...own, nameservers: reachable }
  const behind = parseResolv(readText('/run/systemd/resolve/resolv.conf'))
  return { ...behind, searches: own.searches.length > 0 ? own.searches : behind.searches }
}

/** Source: resolv.conf(5). Later `search` and `options` lines replace earlier ones, or add to them. */
export function parseResolv(text: string): ResolvFacts {
  const nameservers: string[] = []
  const options: string[] = []
  let searches: string[] = []
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/)
    if (keyword === 'nameserver' && values[0] !== undefined) nameservers.push(values[0])
    else if (keyword === 'search' || keyword === 'domain') searches = values.filter(value => value !== '.')
    else if (keyword === 'options') options.push(...values)
  }
  return { nameservers, searches, options }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
