/**
 * The AppArmor profile that containers get where the machine has AppArmor and the manifest names none, as under containerd,
 * CRI-O and podman: the files of the kernel that root in a container must not write, and no mounts. Loaded once after each
 * boot. Source: apparmor.d(5), apparmor_parser(8).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { findProgram } from './find-program.ts'
import { run } from './run.ts'

export const DEFAULT_APP_ARMOR_PROFILE = 'kube-default'

/** Where the kernel lists what is loaded: a directory `NAME.NUMBER` for each profile. */
const LOADED = '/sys/kernel/security/apparmor/policy/profiles'

/** What `kubectl` users know as RuntimeDefault. Everything is allowed but what follows as denied. */
const PROFILE = `abi <abi/3.0>,
profile ${DEFAULT_APP_ARMOR_PROFILE} flags=(attach_disconnected,mediate_deleted) {
  file,
  network,
  unix,
  dbus,
  capability,
  umount,
  signal (receive),
  signal (send) peer=${DEFAULT_APP_ARMOR_PROFILE},
  ptrace (readby, tracedby),
  ptrace (read, trace) peer=${DEFAULT_APP_ARMOR_PROFILE},
  deny mount,
  deny /proc/* w,
  deny /proc/{[^1-9s],[^1-9s]*,s[^y]*}/** w,
  deny /proc/sys/[^k]** w,
  deny /proc/sys/kernel/{?,??,[^s][^h][^m]**} w,
  deny /proc/sysrq-trigger rwklx,
  deny /proc/kcore rwklx,
  deny /proc/kmem rwklx,
  deny /proc/mem rwklx,
  deny /sys/[^f]*/** wklx,
  deny /sys/f[^s]*/** wklx,
  deny /sys/fs/[^c]*/** wklx,
  deny /sys/fs/c[^g]*/** wklx,
  deny /sys/firmware/** rwklx,
  deny /sys/kernel/security/** rwklx,
}
`

/** Whether AppArmor is at work on this machine. */
export function appArmorEnabled(): boolean {
  try {
    return readFileSync('/sys/module/apparmor/parameters/enabled', 'utf8').startsWith('Y')
  } catch {
    return false
  }
}

let loaded = false

/** Whether containers can have the default profile. */
export function hasDefaultProfile(): boolean {
  if (loaded) return true
  try {
    loaded = readdirSync(LOADED).some(name => name.startsWith(`${DEFAULT_APP_ARMOR_PROFILE}.`))
  } catch {
    // No securityfs, as in most containers.
  }
  return loaded
}

/** Loads the default profile, unless it is. Without apparmor_parser, or in a container, there is none. */
export async function loadDefaultProfile(): Promise<void> {
  if (!appArmorEnabled() || hasDefaultProfile()) return
  const parser = findProgram('apparmor_parser')
  if (parser !== undefined) await run(parser, ['--replace', '--skip-cache'], { input: PROFILE })
}
