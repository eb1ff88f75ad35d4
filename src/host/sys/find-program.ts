/** Where a host program is. */
import { accessSync, constants } from 'node:fs'
import { KubeError } from '../../diagnostic.ts'

/** Besides PATH: an ordinary user's often lacks the sbin directories, and podman's helpers are in none. */
const MORE = [
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
  '/usr/local/bin',
  '/usr/bin',
  '/bin',
  '/usr/lib/podman',
  '/usr/libexec/podman',
  '/usr/libexec/catatonit',
]

const found = new Map<string, string>()

/** The absolute path, or `undefined`. */
export function findProgram(name: string, path = process.env.PATH ?? ''): string | undefined {
  const known = found.get(name)
  if (known) return known
  for (const directory of [...path.split(':'), ...MORE]) {
    if (!directory.startsWith('/')) continue
    const file = `${directory}/${name}`
    try {
      accessSync(file, constants.X_OK)
    } catch {
      continue
    }
    found.set(name, file)
    return file
  }
  return undefined
}

/** The absolute path; fails with code `ToolMissing` and the package to install. */
export function requireProgram(name: string): string {
  const file = findProgram(name)
  if (file) return file
  throw toolMissing(name)
}

/** Programs whose Debian package has another name. */
const PACKAGES: Readonly<Record<string, string>> = {
  nft: 'nftables',
  libnftables: 'nftables',
  newuidmap: 'uidmap',
  newgidmap: 'uidmap',
  pasta: 'passt',
}

export function toolMissing(name: string): KubeError {
  return new KubeError('ToolMissing', `${name} is not installed`, {
    hint: `install it, for example with: apt-get install ${PACKAGES[name] ?? name}; \`kube system check\` lists everything that is needed`,
  })
}
