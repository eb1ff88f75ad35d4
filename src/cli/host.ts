/** Builds the real host: the only place but `index.ts` where adapters and engine meet. */
import { closeSync, mkdirSync, openSync, readFileSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { errnoOf, KubeError } from '../diagnostic.ts'
import type { Host } from '../engine/ports.ts'
import { openHandlers } from '../host/handlers/handlers.ts'
import { openImageStore } from '../host/images/store.ts'
import type { Image, ImageStore } from '../host/images/types.ts'
import { containerId, infraId, type Layout, layoutOf, type Roots } from '../host/layout.ts'
import { removeLog } from '../host/logs/log-files.ts'
import { LOG_LOOK_MS, rotateLogs } from '../host/logs/rotate-logs.ts'
import { openBridgeNetwork } from '../host/network/bridge-network.ts'
import { holds, type ListeningPort, listeningPorts } from '../host/network/listening-ports.ts'
import { chooseSubnet, formatSubnet, parseRoutes, parseSubnet } from '../host/network/subnet.ts'
import { closeToOthers } from '../host/own-names.ts'
import { writeExitScript } from '../host/runtime/exit-script.ts'
import { openOciRuntime } from '../host/runtime/oci-runtime.ts'
import { probeRunner } from '../host/runtime/probe-runner.ts'
import { readSeccompProfile } from '../host/runtime/seccomp-file.ts'
import { openShutdownUnit } from '../host/runtime/shutdown-unit.ts'
import { openAuthority } from '../host/state/authority.ts'
import { portTaken } from '../host/state/lease-rows.ts'
import { openState, type StateStore } from '../host/state/state-store.ts'
import { requireProgram } from '../host/sys/find-program.ts'
import { lockFile } from '../host/sys/lock.ts'
import { readMachineFacts } from '../host/sys/machine.ts'
import { makeDirectory } from '../host/sys/make-directory.ts'
import { randomUuid } from '../host/sys/random-uuid.ts'
import { shareRoot } from '../host/sys/root-hold.ts'
import { IN_MEMORY } from '../host/sys/shared-database.ts'
import { openPodNamespaces } from '../host/volumes/pod-namespaces.ts'
import { openVolumes } from '../host/volumes/pod-volumes.ts'
import { parseReference } from '../image-reference.ts'
import type { MachineFacts } from '../plan/facts.ts'
import { fingerprint } from '../plan/fingerprint.ts'
import { type BackoffLimits, KUBELET_BACKOFF } from '../reconcile/restart.ts'
import { dismissSupervisor, reviveSupervisor, wakeSupervisor } from './wake-supervisor.ts'

export interface HostOptions extends Partial<Roots> {
  /** The OCI runtime. Default `crun`. */
  readonly runtime?: string
  /** How to start this program: what wakes a supervisor does so. Default: the built command. */
  readonly command?: readonly string[]
  /** Leaves the records on the disk alone and begins with none: for what has to work where those are damaged. */
  readonly withoutRecords?: boolean
}

export interface RealHost extends Host {
  readonly state: StateStore
  readonly store: ImageStore
  readonly layout: Layout
  /** A share of the state root: nobody takes it apart meanwhile. Fails with `ResetUnderWay`. */
  share(): Disposable
  /** What every command that looks at pods does besides: another supervisor where one was killed, new files for long logs. */
  lookAfterPods(): void
  /** What a command does last: resolves when that is done, and everything that it had to tell is written. */
  finish(): Promise<void>
}

const USUAL_ROOT = '/var/lib/kube'

/** The directories that hold everything, as the options or the user's own place say. */
export function rootsOf(options: HostOptions): Roots {
  const root =
    options.root ?? (isRoot() ? USUAL_ROOT : join(process.env.XDG_DATA_HOME || join(homedir(), '.local/share'), 'kube'))
  const runroot = options.runroot ?? (options.root === undefined ? defaultRunroot() : join(options.root, 'run'))
  for (const path of [root, runroot]) {
    // Mostly a script's variable without a value: the working directory is not what it means.
    if (path === '')
      throw new KubeError('Usage', '--root and --runroot take the path of a directory', { exitStatus: 2 })
    // Separators of mount options.
    if (/[:,\\]/.test(path)) {
      throw new KubeError('Usage', `${path}: a root with a colon, a comma or a backslash cannot hold overlay mounts`, {
        exitStatus: 2,
      })
    }
  }
  return { root: realPath(resolve(root)), runroot: realPath(resolve(runroot)) }
}

/** Without symbolic links, also of a directory that is not there yet: the kernel tells of mounts by such paths. */
function realPath(path: string): string {
  for (let there = path; ; there = dirname(there)) {
    try {
      return join(realpathSync(there), relative(there, path))
    } catch (error) {
      // What is wrong with the path is told when it is used.
      if (errnoOf(error) !== 'ENOENT' || there === dirname(there)) return path
    }
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}

function defaultRunroot(): string {
  return isRoot() ? '/run/kube' : join(process.env.XDG_RUNTIME_DIR || `/tmp/kube-${process.getuid?.()}`, 'kube')
}

/** How old a backup of the records may be before a command that has just told everything makes another, in milliseconds. */
const BACKUP_MS = 60_000

/**
 * What containers see must not depend on who plays them: with a strict umask, which they would have as well, no user but root
 * could pass through what is made for them. What nobody else may see is made with modes that say so. Source: podman, whose
 * default it is.
 */
const UMASK = 0o022

/** Opens everything a command can need; what it doesn't use costs nothing. Sets the umask of the process to 022. */
export function openHost(options: HostOptions): RealHost {
  process.umask(UMASK)
  const roots = rootsOf(options)
  const layout = layoutOf(roots)
  const now = () => new Date().toISOString()
  const state: StateStore = options.withoutRecords
    ? openState(IN_MEMORY, { subnet: () => subnet(), now })
    : openState(layout.database, { subnet: () => subnet(), now, reserve: layout.reserve })
  const instance = instanceOf(roots.root)
  const subnet = once(() => parseSubnet(state.ensureSetting('subnet', () => freeSubnet(instance))))
  const store = openImageStore(roots.root)
  const network = once(() =>
    openBridgeNetwork({
      layout,
      bridge: `kube${instance === '' ? '0' : `-${instance}`}`,
      table: `kube${instance === '' ? '' : `-${instance}`}`,
      subnet: subnet(),
      publishedPorts: () => state.ports().map(port => ({ ...port, podIp: port.address })),
      addresses: state.addresses,
      mayChange: () => machine().capabilities?.includes('NET_ADMIN') ?? true,
    }),
  )
  const cgroupParent = `/kube${instance === '' ? '' : `-${instance}`}`
  const runtime = once(() => {
    const shutdown = openShutdownUnit({
      file: layout.shutdownUnit,
      name: cgroupParent.slice(1),
      directory: roots.root,
      command: ownCommand('shut-down'),
    })
    return openOciRuntime({
      layout,
      cgroupParent,
      ...(options.runtime === undefined ? {} : { runtime: options.runtime }),
      ...(shutdown ? { shutdown } : {}),
      openMounts: uid => namespaces.open(uid),
    })
  })
  /** What the store said; a run asks for the same few images again and again. */
  const found = new Map<string, Image>()
  const find = (reference: string): Image | undefined => {
    const image = found.get(reference) ?? store.find(reference)
    if (image) found.set(reference, image)
    return image
  }
  const namespaces = openPodNamespaces(layout)
  const volumes = once(() =>
    openVolumes({ layout, namespaces, lowerDirs: reference => store.lowerDirs(present(find, reference)) }),
  )
  const machine = once(() => readMachineFacts(roots.root))
  const authority = once(() => openAuthority(layout.authorityDir))
  const ownCommand = (verb: string) => [
    ...patient(options.command ?? builtCommand()),
    '--root',
    roots.root,
    '--runroot',
    roots.runroot,
    ...runtimeOption(options),
    verb,
  ]
  const supervise = ownCommand('supervise')
  const exitScriptWritten = once(() => writeExitScript(layout, supervise))
  const infra = once(() => {
    prepareInfraRootfs(layout.infraRootfs)
    return { rootfs: layout.infraRootfs, catatonit: requireProgram('catatonit') }
  })
  const listeners = once(listeningPorts)
  const closed = once(() => closeToOthers(layout))
  let rotation: Promise<void> | undefined
  return {
    state,
    store,
    layout,
    share: () => shareRoot(layout),
    handlers: openHandlers({
      execIn: id => probeRunner(layout, id, options.runtime),
    }),
    backoff: readBackoff(process.env.KUBE_BACKOFF_MS),
    exitCommand(uid, id) {
      exitScriptWritten()
      return [layout.exitScript, uid, id]
    },
    wakeSupervisor(pods) {
      wakeSupervisor(layout, supervise, pods)
    },
    lookAfterPods() {
      reviveSupervisor(layout, supervise)
      if (rotation) return
      const rotate = () => {
        rotation = rotateLogs(layout)
      }
      rotate()
      setInterval(rotate, LOG_LOOK_MS).unref()
    },
    dismissSupervisor: () => dismissSupervisor(layout),
    get network() {
      return network()
    },
    get runtime() {
      return runtime()
    },
    get volumes() {
      return volumes()
    },
    get machine(): MachineFacts {
      return machine()
    },
    get infra() {
      return infra()
    },
    images: {
      find,
      findNow(reference) {
        found.delete(reference)
        return find(reference)
      },
      requireName: reference => void parseReference(reference),
      pull(reference, settings) {
        found.delete(reference)
        return store.pull(reference, settings)
      },
    },
    now,
    newUid: randomUuid,
    containerId,
    infraId,
    authorityFor: (uid, plan) => ({
      token: request =>
        authority().sign(request, {
          namespace: plan.namespace,
          pod: plan.name,
          podUid: uid,
          node: machine().nodeName,
        }),
      certificate: () => authority().certificate(),
    }),
    seccompProfile: readSeccompProfile,
    async deviceEdits(names) {
      const { deviceEdits } = await import('../host/sys/cdi.ts')
      const { parseYaml } = await import('../manifest/parse-yaml.ts')
      return deviceEdits(names, parseYaml)
    },
    cgroupPath: uid => `${cgroupParent}/pod${uid}`,
    logFile: layout.logFile,
    removeLog: (uid, container, attempt) => removeLog(layout.logFile(uid, container, attempt)),
    checkPortFree(plan, port) {
      const holder = listeners().find((listener: ListeningPort) => holds(listener, port))
      if (holder) throw portTaken(plan, port, 'another program of this machine')
    },
    lock() {
      closed()
      return lockFile(layout.lockFile)
    },
    async finish() {
      state.writeEvents()
      state.backUp(BACKUP_MS)
      await rotation
    },
    close() {
      network.value?.close()
      runtime.value?.[Symbol.dispose]()
      store.close()
      state.close()
    },
  }
}

/** Six hex digits that tell this state root's kernel objects from those of others; empty for the usual one. */
function instanceOf(root: string): string {
  return root === realPath(USUAL_ROOT) ? '' : fingerprint(root).slice(0, 6)
}

/** `INITIAL,MAX,RESET` in milliseconds, so that tests need not wait for minutes. */
function readBackoff(text: string | undefined): BackoffLimits {
  const [initialMs, maxMs, resetMs] = (text ?? '').split(',').map(Number)
  return initialMs && maxMs && resetMs ? { initialMs, maxMs, resetMs } : KUBELET_BACKOFF
}

/** Options of Node.js by which `bin/kube` makes commands that end soon faster. */
const HASTE = /^--(min-semi-space-size=|no-rehash-snapshot$)/

/** What lives long holds little, a small young generation, and hashes what it reads by a seed that nobody knows. */
function patient([program = '', ...args]: readonly string[]): readonly string[] {
  return [program, '--max-semi-space-size=4', ...args.filter(arg => !HASTE.test(arg))]
}

/** The command that the build makes, beside this file's bundle. */
function builtCommand(): readonly string[] {
  return [process.execPath, join(import.meta.dirname, 'kube.cjs')]
}

function runtimeOption({ runtime }: HostOptions): readonly string[] {
  return runtime === undefined ? [] : ['--runtime', runtime]
}

function freeSubnet(instance: string): string {
  const routes = parseRoutes(readFileSync('/proc/net/route', 'utf8'))
  const subnet = chooseSubnet(routes, instance === '' ? 0 : 1 + (Number.parseInt(instance, 16) % 170))
  if (!subnet) throw new KubeError('NetworkFull', 'every 10.x.0.0/16 network is in use on this machine')
  return formatSubnet(subnet)
}

function present(find: ImageStore['find'], reference: string): Image {
  const image = find(reference)
  if (!image) throw new KubeError('ImageNotFound', `image ${reference} is not present`)
  return image
}

/** Empty but for the file that catatonit is mounted over, and the directory that crun looks into for devices. */
function prepareInfraRootfs(directory: string): void {
  makeDirectory(dirname(directory), 0o700)
  mkdirSync(join(directory, 'dev'), { recursive: true, mode: 0o755 })
  closeSync(openSync(join(directory, 'catatonit'), 'a', 0o755))
}

interface Once<T> {
  (): T
  /** What it made, if it was asked. */
  readonly value: T | undefined
}

function once<T>(make: () => T): Once<T> {
  let made: { readonly value: T } | undefined
  const get = () => {
    made ??= { value: make() }
    return made.value
  }
  return Object.defineProperty(get, 'value', { get: () => made?.value }) as Once<T>
}
