/** What the OCI runtime's messages mean. Pure. */
import { KubeError } from '../../diagnostic.ts'

/** The rules, first match wins. crun and runc word things differently, hence the alternatives. */
const MEANINGS: readonly {
  readonly pattern: RegExp
  readonly code: string
  readonly message: (match: RegExpExecArray) => string
  readonly hint?: string
}[] = [
  {
    pattern: /executable file `?"?([^`":]*)`?"?:? not found in \$PATH|exec: "([^"]+)": executable file not found/i,
    code: 'CommandNotFound',
    message: match => `command ${JSON.stringify(match[1] ?? match[2])} is not in the image (not found in $PATH)`,
    hint: 'check `command` in the manifest, or the image',
  },
  {
    pattern:
      /open executable: (?:Permission denied|Operation not permitted|Is a directory)|exec format error|(?:exec|executable)[^\n]*permission denied|the path `[^`]*` (?:is not a regular file|exists but it is not executable)/i,
    code: 'CommandNotExecutable',
    message: () => 'the command in the image cannot be executed (permission denied or wrong format)',
    hint: "check the file's mode, and that the image is for this machine's architecture",
  },
  {
    pattern:
      /executable file `([^`]+)` not found|(?:exec|executable|stat)[^\n]*?[`"](\/[^`"]+)[`"][^\n]*no such file or directory|open executable: No such file or directory/i,
    code: 'CommandNotFound',
    message: ([, named, path]) => {
      const command = named ?? path
      return command === undefined
        ? 'the command is not in the image'
        : `command ${JSON.stringify(command)} is not in the image`
    },
    hint: 'check `command` in the manifest, or the image',
  },
  {
    // crun says so while it hides files of the kernel, runc while it masks paths.
    pattern: /open\(\)ing \/dev\/null|can't mask paths[^\n]*\/dev\/null/i,
    code: 'NoNullDevice',
    message: () => 'there is no null device in what is mounted at its /dev',
    hint: "mount the machine's /dev there, or single devices below /dev",
  },
  {
    pattern: /apparmor\/exec`?: no such file/i,
    code: 'AppArmorProfileMissing',
    message: () => 'the AppArmor profile that its manifest names is not loaded on this machine',
    hint: 'load it with apparmor_parser; aa-status lists what is loaded',
  },
  {
    pattern: /controller `(\w+)` is not available/i,
    code: 'LimitNotSupported',
    message: match => `this machine cannot limit it: cgroup controller ${match[1]} is not there`,
    hint: 'remove the limit from the container, or hand the controller on, where this runs in a container itself',
  },
  {
    // The kernel's words for it are those of a full disk.
    pattern: /(?:keyring|session key)[^\n]*quota exceeded/i,
    code: 'LimitReached',
    message: () => 'this user has no key left for the session keyring of a container',
    hint: 'sysctl -w kernel.keys.root_maxkeys=2000000 kernel.keys.root_maxbytes=50000000; `kube system check` lists limits',
  },
  {
    pattern: /(?:ptmx|pseudo-?terminal|openpty)[^\n]*no space left/i,
    code: 'LimitReached',
    message: () => 'the machine has no terminal left',
    hint: 'sysctl -w kernel.pty.max=8192; `kube system check` lists limits',
  },
  {
    pattern: /\bmount`?[^\n]*(?:no space left on device)/i,
    code: 'LimitReached',
    message: () => 'the machine has no mount left, or the disk no space',
    hint: 'sysctl -w fs.mount-max=200000; `kube system check` lists limits',
  },
  {
    pattern: /too many open files in system|too many open files/i,
    code: 'LimitReached',
    message: ([text]) => `${text.toLowerCase()}: no more can be opened`,
    hint: 'raise fs.file-max or `ulimit -n`; `kube system check` lists limits',
  },
  {
    pattern: /(?:fork|clone|create (?:process|thread)|pthread_create)[^\n]*resource temporarily unavailable/i,
    code: 'LimitReached',
    message: () =>
      'no more processes can be started: the limit of the machine, of a control group or of the user is reached',
    hint: 'raise kernel.pid_max, kernel.threads-max, pids.max or `ulimit -u`; `kube system check` lists limits',
  },
  {
    // crun has no more to say of a filter that it could write only in part.
    pattern: /no space left on device|disk quota exceeded|^write to seccomp fd$/im,
    code: 'NoSpace',
    message: () => 'no space left on the disk',
    hint: '`kube system prune` removes what nothing uses',
  },
  {
    // Of conmon, whose options are the same everywhere but for its age.
    pattern: /unknown option (\S+)/i,
    code: 'ToolTooOld',
    message: match => `a program that starts containers is too old: it does not know ${match[1]}`,
    hint: '`kube system check` says which, and which version is needed',
  },
  {
    pattern: /error while loading shared libraries: [^\n]*/i,
    code: 'ToolBroken',
    message: match => `a program that starts containers does not run: ${match[0]}`,
    hint: '`kube system check` lists what is needed',
  },
  {
    pattern: /cgroups in hybrid mode not supported/i,
    code: 'CgroupsUnusable',
    message: () => 'this machine has some cgroup controllers in version 1 and some in version 2, which crun refuses',
    hint: 'run as root, so that kube can put them right, or boot with systemd.unified_cgroup_hierarchy=1',
  },
]

/** Turns the OCI runtime's output, JSON log lines or plain text, into an error with a code. */
export function runtimeError(output: string, id: string): KubeError {
  const text = runtimeMessages(output)
  for (const { pattern, code, message, hint } of MEANINGS) {
    const match = pattern.exec(text)
    if (match) return new KubeError(code, message(match), hint === undefined ? {} : { hint })
  }
  return new KubeError(
    'RuntimeFailed',
    `OCI runtime: ${text === '' ? `no message about container ${id.slice(0, 12)}` : abridged(text)}`,
  )
}

/** A path may be thousands of characters long, and its cause stands behind it. */
function abridged(text: string): string {
  return text.length <= 1000 ? text : `${text.slice(0, 400)} ... ${text.slice(-400)}`
}

/** What the lines say that are neither warnings nor for debugging. */
export function runtimeMessages(output: string): string {
  const messages = output.split('\n').flatMap(line => {
    if (line.trim() === '') return []
    try {
      const record = JSON.parse(line) as { msg?: unknown; level?: unknown }
      return record.level === 'warning' || record.level === 'debug' ? [] : [String(record.msg)]
    } catch {
      return [line.trim()]
    }
  })
  return messages.join('; ')
}
