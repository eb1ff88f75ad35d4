/** A state root of its own for a test of the built command, and a look at the machine with other tools for what it left. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { busyboxRootfs } from './busybox-rootfs.ts'
import { lacking } from './need.ts'

const KUBE = fileURLToPath(new URL('../../bin/kube', import.meta.url))

/** Why tests that run pods are skipped here, or `false`. */
export const cannotRunPods = lacking('crun', 'conmon', 'catatonit', 'nft', 'ip', 'findmnt')

/** The image every sandbox has: busybox of this machine. */
export const IMAGE = 'busybox:demo'

export interface Finished {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface Sandbox extends AsyncDisposable {
  readonly dir: string
  readonly root: string
  readonly runroot: string
  /** Runs `kube` with this sandbox's roots. `input` is its standard input. */
  kube(
    args: readonly string[],
    options?: { readonly input?: string; readonly env?: NodeJS.ProcessEnv },
  ): Promise<Finished>
  /** The same, and it must succeed; returns what it printed. */
  ok(args: readonly string[], options?: { readonly input?: string; readonly env?: NodeJS.ProcessEnv }): Promise<string>
  /** Starts `kube` and leaves it running. */
  start(args: readonly string[]): ChildProcess
  /** Writes a manifest file; returns its path. */
  manifest(name: string, text: string): string
  /** What `ip`, `nft`, `crun`, `findmnt`, /proc and the cgroup file systems show of this sandbox, in words; empty: clean. */
  leftovers(): readonly string[]
}

/** With the busybox image imported. Disposing of it removes everything, and fails when something can't be removed. */
export async function openSandbox(env: NodeJS.ProcessEnv = {}): Promise<Sandbox> {
  const dir = mkdtempSync(join(tmpdir(), 'kube-e2e-'))
  const root = join(dir, 'root')
  const runroot = join(dir, 'run')
  // The name that `kube` gives to what it makes for a root other than the usual one.
  const instance = createHash('sha256').update(root).digest('hex').slice(0, 6)
  const spawnKube = (args: readonly string[], extra: NodeJS.ProcessEnv = {}) =>
    spawn(KUBE, ['--root', root, '--runroot', runroot, ...args], {
      env: { ...process.env, ...env, ...extra },
      stdio: ['pipe', 'pipe', 'pipe'],
    })

  const sandbox: Sandbox = {
    dir,
    root,
    runroot,
    start: args => spawnKube(args),
    kube(args, options = {}) {
      const child = spawnKube(args, options.env)
      let stdout = ''
      let stderr = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text
      })
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text
      })
      child.stdin.on('error', () => {})
      child.stdin.end(options.input ?? '')
      return new Promise(resolve =>
        child.on('close', (status, signal) => resolve({ status: status ?? (signal ? 128 : 1), stdout, stderr })),
      )
    },
    async ok(args, options) {
      const done = await sandbox.kube(args, options)
      if (done.status !== 0)
        throw new Error(`kube ${args.join(' ')}: status ${done.status}\n${done.stdout}${done.stderr}`)
      return done.stdout
    },
    manifest(name, text) {
      const path = join(dir, name)
      writeFileSync(path, text)
      return path
    },
    leftovers: () => [
      ...links(instance),
      ...tables(instance),
      ...mounts(dir),
      ...containers(join(runroot, 'crun')),
      ...cgroups(instance),
      ...processes(dir, instance),
      ...['pods', 'c'].flatMap(name =>
        entries(join(runroot, name)).map(
          entry => `directory ${name}/${entry}: ${entries(join(runroot, name, entry)).join(' ')}`,
        ),
      ),
      ...entries(join(root, 'pods')).map(entry => `directory root/pods/${entry}`),
    ],
    async [Symbol.asyncDispose]() {
      await sandbox.kube(['system', 'reset', '--force'])
      const left = sandbox.leftovers()
      if (left.length > 0) throw new Error(`left behind:\n${left.join('\n')}`)
      rmSync(dir, { recursive: true, force: true })
    },
  }
  const rootfs = join(dir, 'rootfs.tar')
  writeFileSync(rootfs, busyboxRootfs())
  await sandbox.ok(['import', rootfs, IMAGE])
  return sandbox
}

function links(instance: string): readonly string[] {
  const all = JSON.parse(execFileSync('ip', ['-j', 'link'], { encoding: 'utf8' })) as readonly {
    readonly ifname: string
    readonly master?: string
  }[]
  const bridge = `kube-${instance}`
  return all
    .filter(({ ifname, master }) => ifname === bridge || master === bridge)
    .map(({ ifname }) => `link ${ifname}`)
}

function tables(instance: string): readonly string[] {
  const all = JSON.parse(execFileSync('nft', ['-j', 'list', 'tables'], { encoding: 'utf8' })) as {
    readonly nftables: readonly { readonly table?: { readonly name: string } }[]
  }
  return all.nftables
    .filter(({ table }) => table?.name === `kube-${instance}`)
    .map(({ table }) => `nftables table ${table?.name}`)
}

function mounts(dir: string): readonly string[] {
  const text = execFileSync('findmnt', ['-rno', 'TARGET'], { encoding: 'utf8' })
  return text
    .split('\n')
    .filter(target => target.startsWith(`${dir}/`))
    .map(target => `mount ${target}`)
}

function containers(runtimeRoot: string): readonly string[] {
  if (!existsSync(runtimeRoot)) return []
  const text = execFileSync('crun', ['--root', runtimeRoot, 'list', '--quiet'], { encoding: 'utf8' })
  return text
    .split('\n')
    .filter(Boolean)
    .map(id => `container ${id}`)
}

function cgroups(instance: string): readonly string[] {
  const hierarchies = existsSync('/sys/fs/cgroup/cgroup.controllers')
    ? ['']
    : entries('/sys/fs/cgroup').map(name => `/${name}`)
  return hierarchies
    .map(name => `/sys/fs/cgroup${name}/kube-${instance}`)
    .filter(existsSync)
    .map(path => `cgroup ${path}`)
}

/**
 * Processes whose command line names the sandbox's directory: monitors and supervisors. Not the last word of its unit for the
 * machine's shutdown, which systemd says when it pleases.
 */
function processes(dir: string, instance: string): readonly string[] {
  const unit = `/system.slice/kube-${instance}-`
  return entries('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap(pid => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        if (readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(unit)) return []
        return command.includes(`${dir}/`) ? [`process ${pid}: ${command.slice(0, 80)}`] : []
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
