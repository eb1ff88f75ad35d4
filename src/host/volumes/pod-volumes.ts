/** Directories, files and mounts of pods. */
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import type { VolumePort } from '../../engine/ports.ts'
import type { PodFacts } from '../../plan/facts.ts'
import type { VolumePlan } from '../../plan/types.ts'
import type { Layout } from '../layout.ts'
import { MNT_DETACH, MS, mount, unmount } from '../sys/libc.ts'
import { checkHostPath } from './host-path.ts'

/** Size of a pod's /dev/shm, as the kubelet's runtimes have it. */
const SHM_BYTES = 64 * 1024 * 1024

export interface VolumeOptions {
  readonly layout: Layout
  /** Lower directories of an image, uppermost first, relative to `layersDir`. */
  readonly lowerDirs: (imageReference: string) => { readonly layersDir: string; readonly names: readonly string[] }
}

export function openVolumes(options: VolumeOptions): VolumePort {
  const { layout } = options
  const merged = (uid: string, container: string) => `${layout.layerDir(uid, container)}/merged`

  const port: VolumePort = {
    async makeSandbox(uid, plan) {
      const sandbox = layout.sandboxDir(uid)
      mkdirSync(`${sandbox}/shm`, { recursive: true, mode: 0o711 })
      mount('shm', `${sandbox}/shm`, 'tmpfs', MS.NOSUID | MS.NODEV | MS.NOEXEC, `mode=1777,size=${SHM_BYTES}`)
      mkdirSync(layout.podDir(uid), { recursive: true, mode: 0o711 })
      for (const volume of plan.volumes) makeVolume(layout, uid, volume)
      for (const member of plan.members) {
        mkdirSync(layout.logDir(uid, member.name), { recursive: true, mode: 0o700 })
        const file = layout.terminationLog(uid, member.name)
        mkdirSync(dirname(file), { recursive: true, mode: 0o711 })
        writeFileSync(file, '', { mode: 0o666 })
        chmodSync(file, 0o666)
      }
      // Last: its presence says that everything above is there.
      writeFileSync(`${sandbox}/ready`, '')
    },
    writeSandboxFiles(uid, files) {
      for (const [name, content] of Object.entries(files))
        writeFileSync(`${layout.sandboxDir(uid)}/${name}`, content, { mode: 0o644 })
    },
    async removeSandbox(uid) {
      unmountAll(`${layout.sandboxDir(uid)}/shm`)
      for (const mountPoint of mountsBelow(`${layout.podDir(uid)}/`)) unmountAll(mountPoint)
      await rm(layout.podDir(uid), { recursive: true, force: true })
      await rm(layout.sandboxDir(uid), { recursive: true, force: true })
    },
    hasSandbox: uid => existsSync(layout.sandboxDir(uid)) || existsSync(layout.podDir(uid)),
    volumePaths(uid, plan) {
      const paths: Record<string, string> = {}
      for (const volume of plan.volumes)
        paths[volume.name] = volume.kind === 'hostPath' ? volume.path : layout.volumeDir(uid, volume.name)
      return paths satisfies PodFacts['volumePaths']
    },
    async mountRootfs(uid, member) {
      const { layersDir, names } = options.lowerDirs(member.image)
      const directory = layout.layerDir(uid, member.name)
      mkdirSync(`${directory}/upper`, { recursive: true, mode: 0o755 })
      mkdirSync(`${directory}/work`, { recursive: true, mode: 0o700 })
      mkdirSync(`${directory}/merged`, { recursive: true, mode: 0o700 })
      mountOverlay(layersDir, names, directory)
    },
    async unmountRootfs(uid, container) {
      unmountAll(merged(uid, container))
      await rm(layout.layerDir(uid, container), { recursive: true, force: true })
    },
    isMounted(uid, container) {
      const top = statSync(merged(uid, container), { throwIfNoEntry: false })
      const parent = statSync(layout.layerDir(uid, container), { throwIfNoEntry: false })
      return top !== undefined && parent !== undefined && top.dev !== parent.dev
    },
    rootfsPath: merged,
    readRootfsText: (uid, container, path) => readInside(merged(uid, container), path),
    sandboxDir: layout.sandboxDir,
    terminationLog: layout.terminationLog,
  }
  return port
}

function makeVolume(layout: Layout, uid: string, volume: VolumePlan): void {
  if (volume.kind === 'hostPath') {
    checkHostPath(volume)
    return
  }
  const directory = layout.volumeDir(uid, volume.name)
  mkdirSync(directory, { recursive: true, mode: 0o755 })
  if (volume.kind === 'emptyDir') {
    if (volume.medium === 'memory') {
      const size = volume.sizeLimitBytes === undefined ? '' : `,size=${volume.sizeLimitBytes}`
      mount('tmpfs', directory, 'tmpfs', MS.NOSUID | MS.NODEV, `mode=0777${size}`)
    }
    // Any user of the pod may write: mkdir's mode is cut by the umask, so it is set again.
    chmodSync(directory, 0o777)
    return
  }
  if (volume.kind !== 'files')
    throw new KubeError('VolumeNotSupported', `volume ${volume.name}: ${volume.kind} volumes cannot be made yet`)
  for (const file of volume.files) {
    if (!('content' in file))
      throw new KubeError('VolumeNotSupported', `volume ${volume.name}: ${file.path} cannot be made yet`)
    const path = `${directory}/${file.path}`
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
    writeFileSync(path, Buffer.from(file.content, 'base64'), { mode: file.mode })
    chmodSync(path, file.mode)
  }
}

/**
 * Names are relative and the working directory is theirs for the moment of the call: an image of 127 layers must fit
 * the one page that mount(2) takes.
 */
function mountOverlay(layersDir: string, names: readonly string[], directory: string): void {
  const lower = names.length === 0 ? 'empty' : names.join(':')
  if (names.length === 0) mkdirSync(`${layersDir}/empty`, { recursive: true })
  const home = process.cwd()
  process.chdir(layersDir)
  try {
    mount(
      'overlay',
      `${directory}/merged`,
      'overlay',
      0,
      `lowerdir=${lower},upperdir=${directory}/upper,workdir=${directory}/work`,
    )
  } finally {
    process.chdir(home)
  }
}

/** Unmounts everything at a path; a busy one goes from sight now and for good when its last user ends. */
function unmountAll(path: string): void {
  for (;;) {
    try {
      unmount(path)
    } catch (error) {
      const code = errnoOf(error)
      if (code === 'EINVAL' || code === 'ENOENT') return
      if (code !== 'EBUSY') throw error
      unmount(path, MNT_DETACH)
    }
  }
}

/** Mount points below a directory, deepest first. Octal escapes as in proc_pid_mountinfo(5). */
function mountsBelow(prefix: string): readonly string[] {
  const points: string[] = []
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const point = line
      .split(' ')[4]
      ?.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    if (point?.startsWith(prefix)) points.push(point)
  }
  return points.reverse()
}

/** Bytes of a text file that are read at most: passwd files of real images have some kilobytes. */
const TEXT_LIMIT = 1024 * 1024

/** Reads a file below `root` without following any link on the way; an image's links point into the machine here. */
function readInside(root: string, path: string): string {
  let at = root
  const steps = path.split('/').filter(Boolean)
  for (const [i, step] of steps.entries()) {
    at += `/${step}`
    const last = i === steps.length - 1
    let fd: number
    try {
      fd = openSync(
        at,
        constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | (last ? 0 : constants.O_DIRECTORY),
      )
    } catch {
      return ''
    }
    try {
      if (!last) continue
      const stats = fstatSync(fd)
      if (!stats.isFile()) return ''
      const buffer = Buffer.allocUnsafe(Math.min(stats.size, TEXT_LIMIT))
      return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0))
    } finally {
      closeSync(fd)
    }
  }
  return ''
}
