/** Containers by the OCI runtime (crun, runc) with conmon as monitor. Source: conmon(8), crun(1), OCI runtime spec. */

import { spawnSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import { monotonicMs } from '../../engine/monotonic.ts'
import type { CreateOptions, RuntimePort, StartedProcess } from '../../engine/ports.ts'
import type { OciSpec } from '../../plan/oci-types.ts'
import type { Layout } from '../layout.ts'
import { loadDefaultProfile } from '../sys/app-armor.ts'
import { requireProgram } from '../sys/find-program.ts'
import { freeBytes } from '../sys/free-space.ts'
import { type Launch, type Launched, launch, memoryFile, pipe } from '../sys/launch.ts'
import { hasRebooted, identityOf, isAlive, pidOf } from '../sys/process-identity.ts'
import { firstLine } from '../sys/readable.ts'
import { removeTreeNow } from '../sys/remove-tree.ts'
import { toolError } from '../sys/run.ts'
import { isOlder } from '../sys/versions.ts'
import { makeCgroup, prepareCgroups, removeCgroup } from './cgroups.ts'
import { goAhead } from './exec-fifo.ts'
import { openExitWatch } from './exit-watch.ts'
import { logArguments, prepareLog } from './log-arguments.ts'
import { enterMonitors, removeMonitors } from './monitors-cgroup.ts'
import { isOutOfMemory } from './out-of-memory.ts'
import { hasCgroup, killCgroup } from './pod-cgroups.ts'
import { mountReadOnly, unmountReadOnly } from './read-only-copy.ts'
import { findRuntime } from './runtime-class.ts'
import { runtimeError } from './runtime-error.ts'
import { openSeccompCache } from './seccomp-cache.ts'
import type { ShutdownUnit } from './shutdown-unit.ts'
import { stopTurn } from './stop-turn.ts'

export interface OciRuntimeOptions {
  readonly layout: Layout
  /** Name or path of the OCI runtime. Default `crun`. */
  readonly runtime?: string
  /** Parent of the pods' cgroups: `/kube`. */
  readonly cgroupParent: string
  /** Ends the containers in good time when the machine is shut down. */
  readonly shutdown?: ShutdownUnit
  /** A pod's mount namespace, as a file descriptor for this to close; undefined: the machine's mounts are the pod's. */
  readonly openMounts: (uid: string) => number | undefined
}

/** How long a killed container's monitor may take to write the exit status down, in milliseconds. */
const KILL_TIMEOUT_MS = 10_000
/** On a disk with less room than this, a start that fails without a known reason failed for it. */
const LITTLE_BYTES = 256 * 1024

/** Holds the path of the container's own OCI runtime. */
export function runtimeNote(bundle: string): string {
  return `${bundle}/runtime`
}

export function openOciRuntime(options: OciRuntimeOptions): RuntimePort & Disposable {
  const { layout, cgroupParent } = options
  const exits = openExitWatch(layout.exitsDir)
  const program = () => requireProgram(options.runtime ?? 'crun')
  const isCrun = () => program().endsWith('/crun')
  const seccomp = openSeccompCache(layout.seccompDir, () => takesCompiledFilters(program()))
  /** What starts containers; see `prepare`. */
  let launcher: string | undefined

  /** Runs the OCI runtime. What it prints goes into memory: a container that it starts may hold that open. */
  async function runtime(
    id: string,
    args: readonly string[],
    uid?: string,
  ): Promise<{ readonly status: number; readonly stderr: string }> {
    const program = programOf(id)
    using stderr = memoryFile()
    const { ended } = await startInPod(uid, {
      program,
      args: ['--root', layout.runtimeRoot, ...args],
      files: [null, null, stderr.fd],
    })
    return { status: await ended, stderr: stderr.text() }
  }

  /** With the mounts of the pod, where one is named. */
  async function startInPod(uid: string | undefined, program: Launch): Promise<Launched> {
    const mountNamespace = uid === undefined ? undefined : options.openMounts(uid)
    try {
      return await start({ ...program, mountNamespace })
    } finally {
      if (mountNamespace !== undefined) closeSync(mountNamespace)
    }
  }

  /** Programs that have no room to say what is wrong say nothing. */
  function failure(output: string, id: string): KubeError {
    const error = runtimeError(output, id)
    if (error.code !== 'RuntimeFailed' || freeBytes(layout.runroot) >= LITTLE_BYTES) return error
    return new KubeError('NoSpace', `no space left on the disk that holds ${layout.runroot}`, { cause: error })
  }

  /** A container of another runtime than the default one has a note of it in its bundle, and one with hooks, too. */
  const programOf = (id: string) => readText(runtimeNote(layout.bundleDir(id))) || (launcher ?? program())

  function makeBundle(id: string, spec: OciSpec, runtimeClass: string | undefined): string {
    const bundle = layout.bundleDir(id)
    mkdirSync(bundle, { recursive: true, mode: 0o700 })
    const own = runtimeClass === undefined ? program() : findRuntime(runtimeClass)
    const other = own !== program()
    // With hooks, starting it is the runtime's own business.
    if (other || spec.hooks !== undefined) writeFileSync(runtimeNote(bundle), own, { mode: 0o600 })
    const compiled = !other && isCrun() ? seccomp.precompiled(spec) : spec
    writeFileSync(`${bundle}/config.json`, JSON.stringify(compiled), { mode: 0o600 })
    return bundle
  }

  const infraProcess = (id: string) => `${layout.bundleDir(id)}/process`

  async function forget(id: string): Promise<void> {
    const state = `${layout.runtimeRoot}/${id}`
    if (!exists(state)) return
    const done = await runtime(id, ['delete', '--force', id])
    if (done.status === 0 || !exists(state) || /does not exist/.test(done.stderr)) return
    // One that was killed in the middle of making it cannot read it either. What still runs goes with the pod's cgroup.
    if (!/config\.json/.test(done.stderr)) throw failure(done.stderr, id)
    removeTreeNow(state)
  }

  async function remove(id: string): Promise<void> {
    const bundle = layout.bundleDir(id)
    await forget(id)
    await monitorEnded(`${bundle}/conmon.pid`)
    // What a killed command had begun to make may have come into being only now.
    await forget(id)
    removeTreeNow(bundle)
    rmSync(`${layout.exitsDir}/${id}`, { force: true })
  }

  return {
    async prepare() {
      mkdirSync(layout.exitsDir, { recursive: true, mode: 0o700 })
      mkdirSync(layout.runtimeRoot, { recursive: true, mode: 0o700 })
      prepareCgroups()
      options.shutdown?.ensure()
      await loadDefaultProfile()
      if (isCrun()) launcher = mountReadOnly(program(), layout.crun)
    },
    async release() {
      // No pod is recorded: what a killed command's programs made after their pod was taken away belongs to nobody.
      for (const id of entries(layout.runtimeRoot)) await remove(id)
      await options.shutdown?.remove()
      await removeMonitors(cgroupParent)
      unmountReadOnly(layout.crun)
    },
    async startInfra(id, { uid, spec, runtimeClass }) {
      // It has no use for the pod's mounts, but for its root file system where ids are mapped.
      const inPod = spec.linux.uidMappings === undefined ? undefined : uid
      const bundle = makeBundle(id, spec, runtimeClass)
      const pidFile = `${bundle}/pidfile`
      const done = await runtime(id, ['run', '--detach', '--bundle', bundle, '--pid-file', pidFile, id], inPod)
      if (done.status !== 0) throw failure(done.stderr, id)
      const pid = Number(readFileSync(pidFile, 'utf8'))
      const link = infraProcess(id)
      rmSync(link, { force: true })
      symlinkSync(`/proc/${pid}`, link)
      return started(pid)
    },
    stopInfra: remove,
    infraProcess,
    async create(id, create) {
      const bundle = makeBundle(id, create.spec, create.runtimeClass)
      const pid = await conmon(id, bundle, create)
      return started(pid)
    },
    async start(id) {
      if (isCrun() && !exists(runtimeNote(layout.bundleDir(id))) && goAhead(`${layout.runtimeRoot}/${id}`)) return
      const done = await runtime(id, ['start', id])
      if (done.status !== 0) throw failure(done.stderr, id)
    },
    async stop(id, identity, { signal, graceSeconds }) {
      if (graceSeconds > 0) {
        if (!sendSignal(identity, signal)) return exits.ended(id, identity, KILL_TIMEOUT_MS).then(() => {})
        if (await exits.ended(id, identity, graceSeconds * 1000)) return
      }
      sendSignal(identity, 'SIGKILL')
      if (!(await exits.ended(id, identity, KILL_TIMEOUT_MS))) {
        throw new KubeError(
          'KillFailed',
          `process ${pidOf(identity)} is still there ${KILL_TIMEOUT_MS / 1000} s after SIGKILL`,
        )
      }
    },
    stopTurn: id => stopTurn(layout.bundleDir(id)),
    async ended(id, identity, signal) {
      await exits.ended(id, identity, Number.POSITIVE_INFINITY, signal)
    },
    remove,
    observe(id, identity, wasStarted) {
      const ended = () => {
        const end = readExit(`${layout.exitsDir}/${id}`)
        const oomKilled = end && isOutOfMemory(layout.bundleDir(id), end.exitCode)
        return end && { state: 'exited' as const, ...end, ...(oomKilled ? { oomKilled } : {}) }
      }
      const end = ended()
      if (end) return end
      const live = { state: wasStarted ? 'running' : 'created' } as const
      if (identity !== undefined && isAlive(identity)) return live
      // It has just ended, and its monitor has yet to write that down.
      if (isMonitor(Number(readText(`${layout.bundleDir(id)}/conmon.pid`)))) return ended() ?? live
      const late = ended()
      if (late) return late
      if (identity !== undefined) return { state: 'broken' }
      return { state: exists(layout.bundleDir(id)) ? 'broken' : 'absent' }
    },
    requireRuntime: name => void findRuntime(name),
    isAlive,
    hasRebooted,
    hush(uid) {
      try {
        writeFileSync(layout.hushFile(uid), '')
      } catch (error) {
        // No directory: nothing of the pod runs.
        if (errnoOf(error) !== 'ENOENT') throw error
      }
    },
    makeCgroup,
    async removeCgroup(path) {
      removeCgroup(path)
      // Processes whose containers are forgotten, with the run-time state for one.
      if (hasCgroup(path)) await killCgroup(path)
    },
    [Symbol.dispose]: () => exits[Symbol.dispose](),
  }

  /** Starts conmon, which has the OCI runtime create the container and tells the pid by one JSON line. */
  async function conmon(id: string, bundle: string, create: CreateOptions): Promise<number> {
    const monitor = requireProgram('conmon')
    const log = `${bundle}/oci-log`
    const args = ['--api-version', '1', '--cid', id, '--cuuid', id, '--name', create.name, '--runtime', programOf(id)]
    args.push(
      '--bundle',
      bundle,
      '--container-pidfile',
      `${bundle}/pidfile`,
      '--conmon-pidfile',
      `${bundle}/conmon.pid`,
    )
    args.push('--exit-dir', layout.exitsDir, '--persist-dir', bundle, '--full-attach', '--log-level', 'error')
    prepareLog(create)
    args.push(...logArguments(create))
    for (const arg of ['--root', layout.runtimeRoot, '--log-format=json', '--log', log]) args.push('--runtime-arg', arg)
    const [exitProgram, ...exitArgs] = create.onExit ?? []
    if (exitProgram !== undefined) args.push('--exit-command', exitProgram)
    for (const arg of exitArgs) args.push('--exit-command-arg', arg)
    if (create.terminal) args.push('--terminal')
    if (create.stdin) args.push('--stdin')
    if (create.stdin && !create.stdinOnce) args.push('--leave-stdin-open')
    const [answers, toAnswer] = pipe()
    // conmon waits for a byte there before it starts anything: by then all of it is in the right cgroup, and what the container
    // needs is ready.
    const [goAhead, toGoAhead] = pipe()
    const errors = openSync(`${bundle}/conmon.log`, 'a', 0o600)
    try {
      const { pid } = await startInPod(create.uid, {
        program: monitor,
        args,
        files: [null, null, errors, toAnswer, goAhead],
        cwd: '/',
        env: {
          PATH: process.env.PATH,
          LANG: 'C.UTF-8',
          _OCI_SYNCPIPE: '3',
          _OCI_STARTPIPE: '4',
          XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR,
        },
      })
      enterMonitors(cgroupParent, pid)
      try {
        await create.ready
      } catch (error) {
        // It takes the pipe's end for a go-ahead, too.
        process.kill(pid, 'SIGKILL')
        throw error
      }
      writeSync(toGoAhead, '1')
    } catch (error) {
      closeSync(answers)
      throw error
    } finally {
      for (const fd of [errors, toAnswer, goAhead, toGoAhead]) closeSync(fd)
    }
    const line = await firstLine(answers)
    const answer = parseAnswer(line)
    if (answer !== undefined && answer.pid > 0) return answer.pid
    const detail =
      readText(log) || answer?.message || readText(`${bundle}/conmon.log`) || 'conmon ended without an answer'
    throw failure(detail, id)
  }
}

/** Source: crun's NEWS, run.oci.seccomp_bpf_data came with 0.18. */
function takesCompiledFilters(crun: string): boolean {
  const [line = ''] = spawnSync(crun, ['--version'], { encoding: 'utf8' }).stdout.split('\n')
  return !isOlder(line, '0.18')
}

async function start(program: Launch): Promise<Launched> {
  try {
    return await launch(program)
  } catch (error) {
    throw toolError(program.program, error)
  }
}

/** How long the monitor of a container that is gone may go on, in milliseconds. */
const MONITOR_TIMEOUT_MS = 5_000

/** The monitor writes into the bundle until its end: only then can that be removed. */
async function monitorEnded(pidFile: string): Promise<void> {
  const pid = Number(readText(pidFile))
  if (!(pid > 0)) return
  const deadline = monotonicMs() + MONITOR_TIMEOUT_MS
  // Its number may be another program's by now, the exit command's first of all.
  for (let pause = 1; isMonitor(pid); pause = Math.min(pause * 2, 20)) {
    if (monotonicMs() > deadline) {
      process.kill(pid, 'SIGKILL')
      return
    }
    await delay(pause)
  }
}

function isMonitor(pid: number): boolean {
  return identityOf(pid) !== undefined && readText(`/proc/${pid}/comm`) === 'conmon'
}

function started(pid: number): StartedProcess {
  // A process that is gone already keeps an identity that no live process has.
  return { pid, identity: identityOf(pid) ?? `${pid}:gone:` }
}

/** Whether the process was there to get it. */
function sendSignal(identity: string, signal: string): boolean {
  if (!isAlive(identity)) return false
  try {
    process.kill(pidOf(identity), signal)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false
    throw error
  }
}

/** conmon's line on the sync pipe: `{"data": PID}`, with a `message` when it failed. */
function parseAnswer(line: string): { readonly pid: number; readonly message?: string } | undefined {
  try {
    const answer = JSON.parse(line) as { data?: unknown; pid?: unknown; message?: unknown }
    const pid = Number(answer.data ?? answer.pid)
    return { pid, ...(typeof answer.message === 'string' ? { message: answer.message } : {}) }
  } catch {
    return undefined
  }
}

/** What an exit file says, and when it was written; `undefined` while there is none, or before it is written. */
function readExit(path: string): { readonly exitCode: number; readonly finishedAt: string } | undefined {
  const text = readText(path)
  const written = text === '' ? undefined : statSync(path, { throwIfNoEntry: false })
  return written && { exitCode: Number(text), finishedAt: written.mtime.toISOString() }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

function entries(directory: string): readonly string[] {
  return exists(directory) ? readdirSync(directory) : []
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}
