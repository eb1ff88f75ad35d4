/** Limits of the machine and of the user that many pods reach, and how much of each is used. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { cgroupVersion } from '../runtime/cgroups.ts'
import type { Requirement } from './requirements.ts'

interface Limit {
  /** A sysctl, or another name. */
  readonly name: string
  /** What uses it. */
  readonly need: string
  /** How much a pod of one container takes, about. */
  readonly perPod: number
  readonly max: () => number | undefined
  /** Absent: nobody counts it. */
  readonly used?: () => number | undefined
  /** Default: sysctl(8) with `enough`. */
  readonly fix?: string
  /** A value that does for some thousands of pods. */
  readonly enough?: number
}

/** Below so many more pods a limit is told as low. */
const ROOM_PODS = 250

/** Sources: ip-sysctl.rst, sysctl/fs.rst, sysctl/kernel.rst, keyrings(7), inotify(7). Processes: infra, conmon, command, its child. */
const LIMITS: readonly Limit[] = [
  {
    name: 'fs.inotify.max_user_instances',
    need: 'changes are told of at once; without one kube looks by itself',
    perPod: cgroupVersion() === 2 ? 1 : 0,
    max: () => sysctl('fs.inotify.max_user_instances'),
    used: inotifyInstances,
    enough: 8192,
  },
  {
    name: 'kernel.pid_max',
    need: 'processes and threads of the machine',
    perPod: 4,
    max: () => sysctl('kernel.pid_max'),
    used: threads,
    enough: 4_194_304,
  },
  {
    name: 'kernel.threads-max',
    need: 'processes and threads of the machine',
    perPod: 4,
    max: () => sysctl('kernel.threads-max'),
    used: threads,
    enough: 1_000_000,
  },
  {
    name: 'pids.max',
    need: 'processes and threads of the container that this runs in',
    perPod: 4,
    max: () => cgroupPids('pids.max'),
    used: () => cgroupPids('pids.current'),
    fix: 'raise the limit of processes of the container that this runs in',
  },
  {
    name: 'RLIMIT_NPROC',
    need: 'processes of this user',
    perPod: 4,
    max: () => (process.getuid?.() === 0 ? undefined : rlimit('Max processes')),
    fix: 'ulimit -u unlimited',
  },
  {
    name: process.getuid?.() === 0 ? 'kernel.keys.root_maxkeys' : 'kernel.keys.maxkeys',
    need: 'a session keyring for each container',
    perPod: 2,
    max: () => keys()?.max,
    used: () => keys()?.used,
    enough: 1_000_000,
  },
  {
    name: 'fs.mount-max',
    need: 'file systems of containers',
    perPod: 3,
    max: () => sysctl('fs.mount-max'),
    used: () => lines('/proc/self/mountinfo'),
    enough: 100_000,
  },
  {
    name: 'kernel.pty.max',
    need: 'terminals of containers and of exec -t',
    perPod: 1,
    max: () => sysctl('kernel.pty.max'),
    used: () => sysctl('kernel.pty.nr'),
    enough: 4096,
  },
  {
    name: 'fs.file-max',
    need: 'open files of the machine',
    perPod: 50,
    max: () => sysctl('fs.file-max'),
    used: () => first('/proc/sys/fs/file-nr'),
    enough: 1_000_000,
  },
  {
    name: 'RLIMIT_NOFILE',
    need: 'open files of one command, a dozen for each pod that it starts at a time',
    perPod: 4,
    max: () => rlimit('Max open files'),
    fix: 'ulimit -n 65536',
  },
  {
    name: 'net.ipv4.neigh.default.gc_thresh3',
    need: 'hardware addresses that the machine and its pods know; beyond it they do not reach each other',
    perPod: 2,
    max: () => sysctl('net.ipv4.neigh.default.gc_thresh3'),
    used: () => lines('/proc/net/arp'),
    enough: 8192,
  },
  {
    name: 'net.netfilter.nf_conntrack_max',
    need: 'connections of pods with the outside and through published ports',
    perPod: 20,
    max: () => sysctl('net.netfilter.nf_conntrack_max'),
    used: () => sysctl('net.netfilter.nf_conntrack_count'),
    enough: 262_144,
  },
]

/** A row for each limit that this machine has. None of them keeps a pod from running. */
export function checkLimits(): readonly Requirement[] {
  return LIMITS.flatMap(limit => {
    const max = limit.max()
    if (max === undefined) return []
    const used = limit.used?.()
    const ok = max - (used ?? 0) >= limit.perPod * ROOM_PODS
    const { name, need } = limit
    const fix = limit.fix ?? `sysctl -w ${name}=${Math.max(limit.enough ?? 0, max * 2)}`
    const detail = used === undefined ? String(max) : `${used} of ${max} used`
    return [{ name, kind: 'limit', required: false, ok, detail, need, ...(ok ? {} : { fix }) }]
  })
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** The first number of a file; of a word that is none, such as `max` and `unlimited`, nothing. */
function first(path: string): number | undefined {
  return numberOf(read(path)?.trim().split(/\s+/)[0])
}

function numberOf(word: string | undefined): number | undefined {
  return word !== undefined && /^\d+$/.test(word) ? Number(word) : undefined
}

function sysctl(name: string): number | undefined {
  return first(`/proc/sys/${name.replaceAll('.', '/')}`)
}

function lines(path: string): number | undefined {
  return read(path)?.trimEnd().split('\n').length
}

/** Source: proc_loadavg(5): `running/all`. */
function threads(): number | undefined {
  return numberOf(read('/proc/loadavg')?.split(' ')[3]?.split('/')[1])
}

/** Of the cgroup that looks like the root from here: the machine's has none. */
function cgroupPids(file: string): number | undefined {
  return first(cgroupVersion() === 2 ? `/sys/fs/cgroup/${file}` : `/sys/fs/cgroup/pids/${file}`)
}

/** The soft limit. Source: proc_pid_limits(5). */
function rlimit(name: string): number | undefined {
  const line = read('/proc/self/limits')
    ?.split('\n')
    .find(text => text.startsWith(name))
  return numberOf(line?.slice(name.length).trim().split(/\s+/)[0])
}

/** This user's. Source: keyrings(7), /proc/key-users. */
function keys(): { readonly used: number; readonly max: number } | undefined {
  const match = new RegExp(`^ *${process.getuid?.()}: +\\d+ +\\S+ +(\\d+)/(\\d+)`, 'm').exec(
    read('/proc/key-users') ?? '',
  )
  return match ? { used: Number(match[1]), max: Number(match[2]) } : undefined
}

/** Of this user's processes, as far as they can be seen. */
function inotifyInstances(): number | undefined {
  const uid = process.getuid?.()
  let count = 0
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid) || !new RegExp(`^Uid:\\t${uid}\\t`, 'm').test(read(`/proc/${pid}/status`) ?? '')) continue
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`))
        if (readlinkSync(`/proc/${pid}/fd/${fd}`) === 'anon_inode:inotify') count++
    } catch {
      // It ended, or its files are nobody else's business.
    }
  }
  return count
}
