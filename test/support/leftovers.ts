/** What the machine has of one instance of `kube`, seen with other tools: there is to be nothing at the end. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface InstancePlaces {
  /** Holds the root and the runroot. */
  readonly directory: string
  readonly root: string
  readonly runroot: string
  /** Of its bridge, its firewall table and its cgroup. */
  readonly name: string
}

/** Everything that belongs to pods, in words. */
export function podLeftovers({ directory, root, runroot, name }: InstancePlaces): readonly string[] {
  return [
    ...links(name),
    ...tables(name),
    // The disks that a test has put there for its roots are its own.
    ...mounts(directory).filter(mount => mount !== `mount ${root}` && mount !== `mount ${runroot}`),
    ...containers(join(runroot, 'crun')),
    ...cgroups(name),
    ...processes(directory, name),
    ...['pods', 'c'].flatMap(part =>
      entries(join(runroot, part)).map(entry => {
        const inside = entries(join(runroot, part, entry)).join(' ')
        return `directory ${part}/${entry}: ${inside}`
      }),
    ),
    ...entries(join(root, 'pods')).map(entry => `directory root/pods/${entry}`),
  ]
}

/** The same, and the state itself: images, records, volumes. */
export function leftovers(places: InstancePlaces): readonly string[] {
  const state = [places.root, places.runroot].filter(path => existsSync(path)).map(path => `directory ${path}`)
  return [...podLeftovers(places), ...state]
}

/** Tests of other files mount thousands of volumes meanwhile. */
const TABLE_BYTES = 64 * 1024 * 1024

/** Where something is still mounted in it, removing a directory would reach into that. */
export function mounts(directory: string): readonly string[] {
  // Raw output escapes what is not a plain letter.
  const args = ['--json', '--list', '--output', 'TARGET']
  const table = execFileSync('findmnt', args, { encoding: 'utf8', maxBuffer: TABLE_BYTES })
  const { filesystems } = JSON.parse(table) as { readonly filesystems: readonly { readonly target: string }[] }
  return filesystems.filter(({ target }) => target.startsWith(`${directory}/`)).map(({ target }) => `mount ${target}`)
}

function links(bridge: string): readonly string[] {
  const all = JSON.parse(execFileSync('ip', ['-j', 'link'], { encoding: 'utf8' })) as readonly {
    readonly ifname: string
    readonly master?: string
  }[]
  return all
    .filter(({ ifname, master }) => ifname === bridge || master === bridge)
    .map(({ ifname }) => `link ${ifname}`)
}

function tables(table: string): readonly string[] {
  const all = JSON.parse(execFileSync('nft', ['-j', 'list', 'tables'], { encoding: 'utf8' })) as {
    readonly nftables: readonly { readonly table?: { readonly name: string } }[]
  }
  return all.nftables.filter(entry => entry.table?.name === table).map(() => `nftables table ${table}`)
}

function containers(runtimeRoot: string): readonly string[] {
  if (!existsSync(runtimeRoot)) return []
  const text = execFileSync('crun', ['--root', runtimeRoot, 'list', '--quiet'], { encoding: 'utf8' })
  return text
    .split('\n')
    .filter(Boolean)
    .map(id => `container ${id}`)
}

/** With cgroup v1 there is one for each controller. */
function cgroups(cgroup: string): readonly string[] {
  const top = '/sys/fs/cgroup'
  const unified = existsSync(`${top}/cgroup.controllers`)
  const hierarchies = unified ? [top] : entries(top).map(name => `${top}/${name}`)
  return hierarchies
    .map(hierarchy => `${hierarchy}/${cgroup}`)
    .filter(path => existsSync(path))
    .map(path => `cgroup ${path}`)
}

/**
 * Processes whose command line names the directory: monitors, supervisors, commands. Not the last word of the instance's
 * unit for the machine's shutdown: systemd says it when it pleases, and nobody waits for that.
 */
function processes(directory: string, instance: string): readonly string[] {
  const unit = `/system.slice/${instance}-`
  return entries('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap(pid => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        if (readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(unit)) return []
        return command.includes(`${directory}/`) ? [`process ${pid}: ${command.slice(0, 200)}`] : []
      } catch {
        // It ended meanwhile.
        return []
      }
    })
}

function entries(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
