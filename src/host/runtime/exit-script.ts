/** What a container's monitor runs when the container has ended. */
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Layout } from '../layout.ts'
import { isInLastingMountNamespace, ownMountNamespace } from '../sys/mount-namespace.ts'

/**
 * Its arguments are the uid of the pod and the id of the container. Wakes a supervisor, unless the container was never
 * made, the pod is being removed, or a supervisor runs, which sees the exit file by itself. A shell
 * script, because most often there is nothing to do, and finding that out must not cost the start of a program.
 */
export function exitScript(layout: Layout, supervise: readonly string[]): string {
  // A monitor is in any other one itself, and no process is looked for by a number that may be a container's by then.
  const mounts = isInLastingMountNamespace() ? ownMountNamespace() : ''
  // A monitor hands nothing of its environment on.
  const backoff = process.env.KUBE_BACKOFF_MS
  return `#!/bin/sh${backoff === undefined ? '' : `\nexport KUBE_BACKOFF_MS=${quoted(backoff)}`}
[ -e ${quoted(layout.sandboxesDir)}/"$1"/hush ] && exit 0
[ -e ${quoted(layout.exitsDir)}/"$2" ] || exit 0
if read -r pid start 2>/dev/null <${quoted(layout.supervisorPid)} && read -r stat 2>/dev/null <"/proc/$pid/stat"; then
  # Another process with the number of a killed supervisor began at another time.
  case $stat in *" $start "*) exit 0 ;; esac
fi
starting=${quoted(layout.supervisorStarting)}
: >"$starting"
# The monitor has its pod's mounts. The supervisor has the machine's: the first process's, and whoever else has them
# shows where they are.
home=
[ -z ${quoted(mounts)} ] || for process in /proc/1 /proc/[0-9]*; do
  if [ "$(readlink "$process/ns/mnt" 2>/dev/null)" = ${quoted(mounts)} ]; then
    home=$process/ns/mnt
    break
  fi
done
set -- ${supervise.map(quoted).join(' ')}
[ -z "$home" ] || set -- nsenter --mount="$home" -- "$@"
# In the background: the monitor waits for this script.
"$@" </dev/null >/dev/null 2>>${quoted(layout.supervisorLog)} &
[ -e "$starting" ] && echo $! >"$starting"
exit 0
`
}

/** Puts the script in place, if it isn't there as it should be. */
export function writeExitScript(layout: Layout, supervise: readonly string[]): void {
  const text = exitScript(layout, supervise)
  if (existsSync(layout.exitScript) && readFileSync(layout.exitScript, 'utf8') === text) return
  const fresh = `${layout.exitScript}.${process.pid}`
  writeFileSync(fresh, text, { mode: 0o700 })
  chmodSync(fresh, 0o700)
  renameSync(fresh, layout.exitScript)
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}
