/** What a test needs of the machine, as the reason to skip it, or `false`. */
import { accessSync, constants, existsSync } from 'node:fs'

/** Root and the named programs. */
export function lacking(...programs: readonly string[]): string | false {
  if (process.getuid?.() !== 0) return 'needs root'
  for (const program of programs) if (!isInstalled(program)) return `needs ${program}`
  return false
}

/** Why tests of the command that run pods are skipped here, or `false`. The last three look for what is left. */
export const cannotRunPods = lacking('crun', 'conmon', 'catatonit', 'nft', 'ip', 'findmnt')

function isInstalled(program: string): boolean {
  const directories = [
    ...(process.env.PATH ?? '').split(':'),
    '/usr/sbin',
    '/sbin',
    '/usr/lib/podman',
    '/usr/libexec/podman',
  ]
  return directories.some(directory => {
    try {
      accessSync(`${directory}/${program}`, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Whether the official definitions are beside the checkout: a stranger's clone hasn't them. */
export const sharedData: string | undefined = existsSync(new URL('../../../shared/data', import.meta.url))
  ? new URL('../../../shared/data', import.meta.url).pathname
  : undefined
