/** What kube needs of a machine, and whether this one has it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { causeChain } from '../../diagnostic.ts'
import { cgroupVersion } from '../runtime/cgroups.ts'
import { findProgram } from './find-program.ts'
import { hasNftables } from './libnftables.ts'
import { checkLimits } from './limits.ts'
import { run } from './run.ts'
import { isOlder } from './versions.ts'

export interface Requirement {
  readonly name: string
  /** `data`: what kube itself keeps. */
  readonly kind: 'program' | 'kernel' | 'privilege' | 'limit' | 'data'
  /** Without it no pod runs; otherwise only what `need` says does not work. */
  readonly required: boolean
  readonly ok: boolean
  /** A version, a path, or what is the matter. */
  readonly detail: string
  /** What it is for. */
  readonly need: string
  /** What to do where it is missing. */
  readonly fix?: string
}

interface Program {
  readonly name: string
  readonly package: string
  readonly required: boolean
  readonly need: string
  readonly versionArgs?: readonly string[]
  /** The oldest version that has everything. */
  readonly oldest?: string
}

const PROGRAMS: readonly Program[] = [
  { name: 'crun', package: 'crun', required: true, need: 'starts containers', oldest: '1.0' },
  // --full-attach and the start pipe together.
  { name: 'conmon', package: 'conmon', required: true, need: 'watches containers, keeps their logs', oldest: '2.1.0' },
  { name: 'catatonit', package: 'catatonit', required: true, need: "holds a pod's namespaces" },
  { name: 'aardvark-dns', package: 'aardvark-dns', required: false, need: 'names of Services and pods' },
  { name: 'newuidmap', package: 'uidmap', required: false, need: 'pods of an ordinary user', versionArgs: [] },
  { name: 'pasta', package: 'passt', required: false, need: 'networks of an ordinary user' },
]

/** The command that installs packages, by the distribution's ID. Source: os-release(5). */
const INSTALLERS: Readonly<Record<string, string>> = {
  debian: 'apt-get install',
  ubuntu: 'apt-get install',
  fedora: 'dnf install',
  rhel: 'dnf install',
  suse: 'zypper install',
  arch: 'pacman -S',
  alpine: 'apk add',
}

/** `runtime`: the OCI runtime's name or path. */
export async function checkRequirements(runtime = 'crun'): Promise<readonly Requirement[]> {
  const installer = installCommand(readText('/etc/os-release'))
  const programs = PROGRAMS.map(program => (program.name === 'crun' ? { ...program, name: runtime } : program))
  const checked = await Promise.all(programs.map(program => checkProgram(program, installer)))
  return [...checked.slice(0, 3), checkNftables(installer), ...checked.slice(3), ...checkKernel(), ...checkLimits()]
}

function checkNftables(installer: string): Requirement {
  const ok = hasNftables()
  return {
    name: 'nftables',
    kind: 'program',
    required: true,
    ok,
    detail: ok ? 'libnftables.so.1' : 'libnftables.so.1 is not installed',
    need: 'publishes ports',
    ...(ok ? {} : { fix: `${installer} nftables` }),
  }
}

async function checkProgram(program: Program, installer: string): Promise<Requirement> {
  const { name, required, need } = program
  const path = findProgram(name)
  const base = { name, kind: 'program', required, need } as const
  if (path === undefined) return { ...base, ok: false, detail: 'not installed', fix: `${installer} ${program.package}` }
  const told = await tell(path, program.versionArgs ?? ['--version'])
  if (told.failure !== undefined)
    return {
      ...base,
      ok: false,
      detail: `does not run: ${told.failure}`,
      fix: `install the package ${program.package} again`,
    }
  const { version } = told
  // Another runtime than crun has versions of its own.
  if (program.oldest !== undefined && name.endsWith(program.package) && isOlder(version, program.oldest)) {
    const fix = `install ${program.oldest} or newer, from a newer release of the distribution`
    return { ...base, ok: false, detail: `${version} is too old`, fix }
  }
  return { ...base, ok: true, detail: version || path }
}

interface Told {
  readonly version: string
  /** Why it does not run. */
  readonly failure?: string
}

async function tell(path: string, args: readonly string[]): Promise<Told> {
  if (args.length === 0) return { version: '' }
  try {
    const { status, stdout, stderr } = await run(path, args)
    const [line = ''] = (stdout || stderr).trim().split('\n')
    // Of a library that the loader misses, for one; the programs themselves end with 0 or 1.
    if (status > 1) return { version: '', failure: line || `status ${status}` }
    return { version: line.split(' ').find(word => /^v?\d/.test(word)) ?? '' }
  } catch (error) {
    return { version: '', failure: causeChain(error) }
  }
}

/** Of the text of /etc/os-release. */
export function installCommand(osRelease: string): string {
  const value = (key: string) => new RegExp(`^${key}="?([^"\n]*)"?$`, 'm').exec(osRelease)?.[1] ?? ''
  for (const id of [value('ID'), ...value('ID_LIKE').split(' ')]) {
    const command = INSTALLERS[id]
    if (command !== undefined) return command
  }
  return 'install the package'
}

/** openat2(2). */
const OLDEST_KERNEL = '5.6'

function checkKernel(): readonly Requirement[] {
  const release = readText('/proc/sys/kernel/osrelease').trim()
  const filesystems = readText('/proc/filesystems')
  const status = readText('/proc/self/status')
  const isRoot = process.getuid?.() === 0
  const kernel = (name: string, ok: boolean, detail: string, need: string, fix?: string): Requirement => ({
    name,
    kind: 'kernel',
    required: true,
    ok,
    detail,
    need,
    ...(ok || fix === undefined ? {} : { fix }),
  })
  const optional = (requirement: Requirement): Requirement => ({ ...requirement, required: false })
  const has = (ok: boolean) => (ok ? 'present' : 'missing')
  const overlay = /\boverlay$/m.test(filesystems) || hasModule('overlay')
  const namespaces = ['net', 'ipc', 'uts', 'pid', 'mnt'].filter(name => !existsSync(`/proc/self/ns/${name}`))
  const bridge = existsSync('/sys/module/bridge') || hasModule('bridge')
  const veth = existsSync('/sys/module/veth') || hasModule('veth')
  const controllers = missingControllers()
  return [
    {
      name: 'root',
      kind: 'privilege',
      required: true,
      ok: isRoot,
      detail: isRoot ? 'uid 0' : `uid ${process.getuid?.()}`,
      need: 'mounts, namespaces and networks',
      ...(isRoot ? {} : { fix: 'run with sudo' }),
    },
    kernel(
      'kernel',
      !isOlder(release, OLDEST_KERNEL),
      release,
      'paths that cannot leave a volume',
      `Linux ${OLDEST_KERNEL} or newer`,
    ),
    kernel('overlay', overlay, has(overlay), 'file systems of containers', 'modprobe overlay'),
    kernel(
      'namespaces',
      namespaces.length === 0,
      namespaces.length === 0 ? 'net, ipc, uts, pid, mnt' : `missing: ${namespaces.join(', ')}`,
      'isolation of pods',
    ),
    kernel('bridge', bridge, has(bridge), 'networks of pods', 'modprobe bridge'),
    kernel('veth', veth, has(veth), 'networks of pods', 'modprobe veth'),
    kernel(
      'cgroups',
      controllers.length === 0,
      `version ${cgroupVersion()}${controllers.length === 0 ? '' : `, missing: ${controllers.join(', ')}`}`,
      'limits of memory, processors and processes',
      'boot with systemd.unified_cgroup_hierarchy=1',
    ),
    optional(
      kernel(
        'user namespaces',
        existsSync('/proc/self/ns/user'),
        has(existsSync('/proc/self/ns/user')),
        'hostUsers: false',
      ),
    ),
    optional(
      kernel('seccomp', /^Seccomp_filters:/m.test(status), has(/^Seccomp_filters:/m.test(status)), 'seccompProfile'),
    ),
  ]
}

function missingControllers(): readonly string[] {
  const present =
    cgroupVersion() === 2
      ? readText('/sys/fs/cgroup/cgroup.controllers').trim().split(' ')
      : readText('/proc/cgroups')
          .split('\n')
          .map(line => line.split('\t'))
          .filter(fields => fields[3] === '1')
          .map(fields => fields[0] ?? '')
  return ['cpu', 'memory', 'pids'].filter(name => !present.includes(name))
}

/** Whether a module can be loaded, or is part of the kernel itself. Source: kmod's modules.dep and modules.builtin. */
function hasModule(name: string): boolean {
  if (existsSync(`/sys/module/${name}`)) return true
  const release = readText('/proc/sys/kernel/osrelease').trim()
  const directory = [`/lib/modules/${release}`, `/usr/lib/modules/${release}`].find(path => existsSync(path))
  // Without a list of modules, as in many virtual machines, everything is part of the kernel: what fails says so itself.
  if (directory === undefined || !readdirSync(directory).includes('modules.builtin')) return true
  const lists = `${readText(`${directory}/modules.dep`)}\n${readText(`${directory}/modules.builtin`)}`
  return new RegExp(`/${name}\\.ko`).test(lists)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
