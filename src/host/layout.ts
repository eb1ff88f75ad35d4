/** Where everything is on disk. Two directories: `root` outlives a reboot, `runroot` need not. */
import { join } from 'node:path'
import { fingerprint } from '../plan/fingerprint.ts'

export interface Roots {
  /** Images, records, volumes, logs. Default `/var/lib/kube`, for an ordinary user `$XDG_DATA_HOME/kube`. */
  readonly root: string
  /** Bundles, pid files, sockets. Default `/run/kube`, for an ordinary user `$XDG_RUNTIME_DIR/kube`. */
  readonly runroot: string
}

/** 64 hex digits, the same for the same pod, container and attempt, so that a killed run's leftovers can be found. */
export function containerId(uid: string, container: string, attempt = 0): string {
  const text = `${uid}/${container}/${attempt}`
  return fingerprint(text) + fingerprint(text, 1)
}

/** No container of a manifest can have this name: it has a slash. */
const INFRA = '/infra'

export function infraId(uid: string): string {
  return containerId(uid, INFRA)
}

/** The pod's end of nothing: the name of its link on the machine's side; at most 15 bytes. */
export function vethName(uid: string): string {
  return `veth${fingerprint(uid).slice(0, 10)}`
}

export function layoutOf(roots: Roots) {
  const { root, runroot } = roots
  return {
    ...roots,
    database: join(root, 'state.db'),
    /** Room for removals on a full disk. */
    reserve: join(root, 'reserve'),
    lockFile: join(runroot, 'lock'),
    /** Holds a file for each command that works on the root. */
    workDir: join(runroot, 'work'),
    /** Names who takes the root apart. */
    resetPid: join(runroot, 'reset.pid'),
    resetLock: join(runroot, 'reset.lock'),
    firewallState: join(runroot, 'firewall'),
    /** The empty root file system of the infra containers. */
    infraRootfs: join(root, 'infra', 'rootfs'),
    authorityDir: join(root, 'authority'),
    seccompDir: join(root, 'seccomp'),
    /** Where crun's program is mounted read-only. */
    crun: join(runroot, 'bin', 'crun'),
    /** Holds the pods' mount namespaces. */
    namespacesDir: join(runroot, 'mounts'),
    namespacesLock: join(runroot, 'mounts.lock'),
    /** The OCI runtime's own state. */
    runtimeRoot: join(runroot, 'crun'),
    /** conmon writes a file named after the container here when it ends, holding its exit status: how a pod ended outlives a reboot. */
    exitsDir: join(root, 'exits'),
    podsDir: join(root, 'pods'),
    podDir: (uid: string) => join(root, 'pods', uid),
    /** Named volumes, which outlive pods. */
    volumesDir: join(root, 'volumes'),
    /**
     * What a pod with a user namespace of its own is made of. Its root is nobody on the machine, who may not pass through
     * the other directories.
     */
    mappedDir: (uid: string) => `/run/kube-mapped/${uid}`,
    /** Where parts of volumes are mounted for the moment of making a container. */
    mountsDir: (uid: string) => join(root, 'pods', uid, 'mounts'),
    /** Where volumes of the machine are mounted of which a container's own mounts are to be seen on the machine. */
    sharedDir: (uid: string, volume: string) => join(root, 'pods', uid, 'shared', volume),
    /** A tmpfs: what Secrets hold must not reach a disk, and files of ConfigMaps are made faster there. */
    filesDir: (uid: string) => join(root, 'pods', uid, 'files'),
    volumeDir: (uid: string, volume: string) => join(root, 'pods', uid, 'volumes', volume),
    logDir: (uid: string, container: string) => join(root, 'pods', uid, 'logs', container),
    logFile: (uid: string, container: string, attempt: number) =>
      join(root, 'pods', uid, 'logs', container, `${attempt}.log`),
    layerDir: (uid: string, container: string) => join(root, 'pods', uid, 'rootfs', container),
    sandboxesDir: join(runroot, 'pods'),
    sandboxDir: (uid: string) => join(runroot, 'pods', uid),
    /** Its presence says that the end of the pod's containers is nobody's business. */
    hushFile: (uid: string) => join(runroot, 'pods', uid, 'hush'),
    /** What a monitor runs when a container ended. */
    exitScript: join(runroot, 'on-exit'),
    /** The name of the unit that ends the containers before a shutdown. */
    shutdownUnit: join(runroot, 'shutdown-unit'),
    supervisorLock: join(runroot, 'supervisor.lock'),
    supervisorPid: join(runroot, 'supervisor.pid'),
    /** There from the moment that one is started until it has written the file above. */
    supervisorStarting: join(runroot, 'supervisor.starting'),
    /** Why the supervisor lives. */
    supervisorReasons: join(runroot, 'supervisor.json'),
    /** Written to when the pods' records changed. */
    pokeFile: join(runroot, 'poke'),
    supervisorLog: join(runroot, 'supervisor.log'),
    terminationDir: (uid: string) => join(root, 'pods', uid, 'termination'),
    terminationLog: (uid: string, container: string) => join(root, 'pods', uid, 'termination', container),
    /** Short, because it holds a socket: their paths have at most 107 bytes. */
    bundleDir: (id: string) => join(runroot, 'c', id.slice(0, 20)),
    bundlesDir: join(runroot, 'c'),
  }
}

export type Layout = ReturnType<typeof layoutOf>
