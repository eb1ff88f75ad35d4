/** Directories, files and mounts of pods. */
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { during } from '../../diagnostic.ts'
import type { SubPathRequest, UserNamespace, VolumeFiles, VolumePort } from '../../engine/ports.ts'
import type { PodFacts } from '../../plan/facts.ts'
import type { PodPlan, VolumePlan } from '../../plan/types.ts'
import type { Layout } from '../layout.ts'
import { copyTree, MS, mount, mountTree } from '../sys/libc.ts'
import { makeDirectory } from '../sys/make-directory.ts'
import { removeTree } from '../sys/remove-tree.ts'
import { writeFilesAtomically } from './atomic-files.ts'
import { blockDevice } from './block-device.ts'
import { openClaimStore } from './claim-store.ts'
import { prepareEmptyDir } from './empty-dir.ts'
import { checkHostPath } from './host-path.ts'
import { openMappedPods } from './mapped-pod.ts'
import { mountsBelow, removeMountPoint, unmountAll, unmountBelow } from './mount-points.ts'
import { withMountTargets } from './mount-targets.ts'
import { type LowerDirs, mountReadOnly, mountWritable } from './overlay.ts'
import { giveToGroup } from './ownership.ts'
import type { PodNamespaces } from './pod-namespaces.ts'
import { requireShared } from './propagation.ts'
import { readInside } from './read-inside.ts'
import { findSubPath, openSubPath, readBeneath } from './sub-path.ts'
import { diskUsage } from './usage.ts'

/** Size of a pod's /dev/shm, as the kubelet's runtimes have it. */
const SHM_BYTES = 64 * 1024 * 1024

export interface VolumeOptions {
  readonly layout: Layout
  readonly namespaces: PodNamespaces
  readonly lowerDirs: (imageReference: string) => LowerDirs
}

function isOfFiles(volume: VolumePlan): boolean {
  return volume.kind === 'files'
}

function isBidirectional(plan: PodPlan, volume: VolumePlan): boolean {
  return plan.members.some(({ mounts }) =>
    mounts.some(mount => mount.volume === volume.name && mount.propagation === 'rshared'),
  )
}

export function openVolumes(options: VolumeOptions): VolumePort {
  const { layout, namespaces } = options
  const { inside } = namespaces
  const claims = openClaimStore(layout)
  const mapped = openMappedPods(layout)
  const merged = (uid: string, container: string) => `${layout.layerDir(uid, container)}/merged`

  /** Where a volume's files are. */
  function pathOf(uid: string, volume: VolumePlan): string {
    if (volume.kind === 'hostPath') return volume.path
    if (volume.kind === 'files') return `${layout.filesDir(uid)}/${volume.name}`
    if (volume.kind !== 'claim' || volume.ephemeral) return layout.volumeDir(uid, volume.name)
    return volume.path ?? claims.path(volume.namespace, volume.claim)
  }

  /** Where the OCI runtime finds a volume that has no owners to be mapped. */
  function sourceOf(uid: string, plan: PodPlan, volume: VolumePlan): string {
    return isBidirectional(plan, volume) ? layout.sharedDir(uid, volume.name) : pathOf(uid, volume)
  }

  const realPaths = (uid: string, plan: PodPlan): Record<string, string> =>
    Object.fromEntries(plan.volumes.map(volume => [volume.name, sourceOf(uid, plan, volume)]))

  /** The pod's namespace hears of the machine's mounts, and tells nothing of its own. This volume is the machine's own mount. */
  function shareVolume(uid: string, volume: VolumePlan): void {
    const path = pathOf(uid, volume)
    requireShared(path)
    const target = layout.sharedDir(uid, volume.name)
    const tree = copyTree(path)
    try {
      mkdirSync(target, { recursive: true, mode: 0o700 })
      inside(uid, () => mountTree(tree, target))
    } finally {
      closeSync(tree)
    }
  }

  function makeVolume(uid: string, plan: PodPlan, volume: VolumePlan, files: VolumeFiles): void {
    const path = pathOf(uid, volume)
    if (volume.kind === 'hostPath') checkHostPath(volume)
    else if (volume.kind === 'claim' && volume.path !== undefined) {
      checkHostPath({ name: volume.name, path, type: volume.pathType ?? '' })
    } else if (volume.kind === 'claim' && !volume.ephemeral) {
      claims.make(volume)
    } else {
      inside(uid, () => {
        mkdirSync(path, { recursive: true, mode: 0o755 })
        fill(path, plan, volume, files)
      })
    }
    if (isBidirectional(plan, volume)) shareVolume(uid, volume)
    // A path of the machine keeps its owners; files of kube's own have been given them already.
    const isOurs =
      volume.kind === 'emptyDir' || (volume.kind === 'claim' && volume.path === undefined && !volume.readOnly)
    const { fsGroup } = plan
    if (fsGroup === undefined || !isOurs) return
    inside(uid, () => giveToGroup(path, fsGroup.gid, volume.kind === 'claim' ? fsGroup.changePolicy : 'Always'))
  }

  /** What a volume of the pod's own begins with. */
  function fill(path: string, plan: PodPlan, volume: VolumePlan, files: VolumeFiles): void {
    if (volume.kind === 'emptyDir') prepareEmptyDir(path, volume, plan.resources.memoryBytes)
    else if (volume.kind === 'image') {
      if (!plan.userNamespace) mountReadOnly(options.lowerDirs(volume.reference), path)
    } else if (volume.kind === 'files') {
      chmodSync(path, 0o777)
      writeFilesAtomically(path, files[volume.name] ?? [], plan.fsGroup?.gid)
    } else chmodSync(path, 0o777)
  }

  /** In the pod's namespace. */
  function bindSubPath(
    uid: string,
    plan: PodPlan,
    { container, index, volume, path }: SubPathRequest,
    users: UserNamespace | undefined,
  ): string {
    const mounts = mapped.has(uid) ? mapped.path(uid, 'mounts') : layout.mountsDir(uid)
    const target = `${mounts}/${container}/${index}`
    const kind = plan.volumes.find(({ name }) => name === volume)?.kind
    const paths = volumePaths(uid, plan)
    // No container writes there. Where another app's play replaces the files just now, the start fails and is tried again.
    if (kind === 'files' && !users) return findSubPath(paths[volume] ?? '', path)
    // The machine's root cannot make a directory where its own id has no meaning; in an image there is none to make.
    const isMapped = users !== undefined && kind !== 'image'
    const whole = isMapped ? realPaths(uid, plan)[volume] : paths[volume]
    removeMountPoint(target)
    const source = openSubPath(whole ?? '', path)
    try {
      // Bound here and now, so that nothing in the volume can be put in its place before the container is made.
      if (fstatSync(source).isDirectory()) mkdirSync(target, { recursive: true, mode: 0o711 })
      else {
        mkdirSync(dirname(target), { recursive: true, mode: 0o711 })
        writeFileSync(target, '')
      }
      if (isMapped) mapped.mapPath(`/proc/self/fd/${source}`, target, users)
      else mount(`/proc/self/fd/${source}`, target, null, MS.BIND | MS.REC, null)
    } finally {
      closeSync(source)
    }
    return target
  }

  function volumePaths(uid: string, plan: PodPlan): PodFacts['volumePaths'] {
    if (!plan.userNamespace) return realPaths(uid, plan)
    return Object.fromEntries(plan.volumes.map(({ name }) => [name, mapped.path(uid, `volumes/${name}`)]))
  }

  /** The termination message is the container's to write, whoever it runs as. */
  function makeTerminationLog(uid: string, container: string): void {
    const file = layout.terminationLog(uid, container)
    mkdirSync(dirname(file), { recursive: true, mode: 0o711 })
    writeFileSync(file, '', { mode: 0o666 })
    chmodSync(file, 0o666)
  }

  return {
    async makeSandbox(uid, plan, files) {
      const sandbox = layout.sandboxDir(uid)
      for (const directory of [layout.podsDir, layout.sandboxesDir]) makeDirectory(directory, 0o700)
      mkdirSync(`${sandbox}/shm`, { recursive: true, mode: 0o711 })
      mkdirSync(layout.podDir(uid), { recursive: true, mode: 0o711 })
      const hasFiles = plan.volumes.some(isOfFiles)
      if (hasFiles) mkdirSync(layout.filesDir(uid), { mode: 0o711 })
      namespaces.make(uid)
      inside(uid, () => {
        mount('shm', `${sandbox}/shm`, 'tmpfs', MS.NOSUID | MS.NODEV | MS.NOEXEC, `mode=1777,size=${SHM_BYTES}`)
        if (hasFiles) mount('tmpfs', layout.filesDir(uid), 'tmpfs', MS.NOSUID | MS.NODEV, 'mode=0711')
      })
      for (const volume of plan.volumes) {
        try {
          makeVolume(uid, plan, volume, files)
        } catch (error) {
          throw during(`volume "${volume.name}"`, error)
        }
      }
      for (const member of plan.members) this.makeContainerFiles(uid, member.name)
      if (plan.userNamespace) inside(uid, () => mapped.prepare(uid))
      // Last: its presence says that everything above is there.
      writeFileSync(`${sandbox}/ready`, '')
    },
    makeContainerFiles(uid, container) {
      mkdirSync(layout.logDir(uid, container), { recursive: true, mode: 0o700 })
      makeTerminationLog(uid, container)
    },
    writeSandboxFiles(uid, files) {
      for (const [name, content] of Object.entries(files))
        writeFileSync(`${layout.sandboxDir(uid)}/${name}`, content, { mode: 0o644 })
    },
    updateFiles(uid, plan, files) {
      const changed = plan.volumes.filter(volume => {
        const content = files[volume.name]
        if (volume.kind !== 'files' || !content) return false
        return inside(uid, () => writeFilesAtomically(pathOf(uid, volume), content, plan.fsGroup?.gid))
      })
      return changed.length > 0
    },
    async removeSandbox(uid) {
      namespaces.remove(uid)
      // What an earlier version of kube mounted on the machine.
      unmountAll(`${layout.sandboxDir(uid)}/shm`)
      if (mapped.has(uid)) await mapped.remove(uid)
      unmountBelow(layout.podDir(uid))
      await removeTree(layout.podDir(uid))
      await removeTree(layout.sandboxDir(uid))
    },
    hasSandbox: uid => existsSync(layout.sandboxDir(uid)) || existsSync(layout.podDir(uid)) || mapped.has(uid),
    infraRootfs: uid => (mapped.has(uid) ? inside(uid, () => mapped.infraRootfs(uid)) : layout.infraRootfs),
    mapVolumes(uid, plan, users) {
      inside(uid, () => {
        const paths = realPaths(uid, plan)
        for (const volume of plan.volumes) {
          if (volume.kind !== 'image') continue
          // Of an overlay owners cannot be mapped, of what it is made of they can.
          delete paths[volume.name]
          mapped.mountImage(uid, volume.name, options.lowerDirs(volume.reference), users)
        }
        mapped.mapVolumes(uid, paths, users)
      })
    },
    volumePaths,
    bindSubPath: (uid, plan, request, users) => inside(uid, () => bindSubPath(uid, plan, request, users)),
    readVolumeText: (uid, volume, path) => inside(uid, () => readBeneath(volume, path)),
    claims: () => claims.list().map(({ namespace, name }) => ({ namespace, claim: name })),
    discardClaim: ({ namespace, claim }) => claims.discard(namespace, claim),
    removeDiscarded: () => claims.removeDiscarded(),
    async volumeUsage(uid, volume) {
      // An open directory leads into the pod's mounts from outside.
      const directory = inside(uid, () => openSync(layout.volumeDir(uid, volume), constants.O_DIRECTORY))
      try {
        return await diskUsage(`/proc/self/fd/${directory}/.`)
      } finally {
        closeSync(directory)
      }
    },
    async containerUsage(uid, container) {
      const layer = await diskUsage(`${layout.layerDir(uid, container)}/upper`)
      return layer + (await diskUsage(layout.logDir(uid, container)))
    },
    blockDevice,
    async mountRootfs(uid, plan, member, users) {
      mkdirSync(layout.podDir(uid), { recursive: true, mode: 0o711 })
      namespaces.make(uid)
      const lower = options.lowerDirs(member.image)
      inside(uid, () => {
        if (users) return mapped.mountRootfs(uid, member.name, lower, users)
        // In the memory that holds the pod's files, if it has files and that is mounted.
        const hasMemory = plan.volumes.some(isOfFiles) && existsSync(`${layout.sandboxDir(uid)}/ready`)
        const targets = `${layout.filesDir(uid)}/.targets/${member.name}`
        const full = hasMemory ? withMountTargets(lower, targets, plan, member) : lower
        mountWritable(full, layout.layerDir(uid, member.name))
      })
    },
    async unmountRootfs(uid, container) {
      inside(uid, () => {
        if (mapped.has(uid)) mapped.unmountRootfs(uid, container)
        const mounts = `${layout.mountsDir(uid)}/${container}`
        if (existsSync(mounts)) unmountBelow(mounts)
        unmountAll(merged(uid, container))
      })
      await removeTree(layout.layerDir(uid, container))
    },
    isMounted(uid, container) {
      const parent = statSync(layout.layerDir(uid, container), { throwIfNoEntry: false })
      if (parent === undefined) return false
      const top = inside(uid, () => statSync(merged(uid, container), { throwIfNoEntry: false }))
      return top !== undefined && top.dev !== parent.dev
    },
    rootfsPath: (uid, container) =>
      mapped.has(uid) ? mapped.path(uid, `rootfs/${container}`) : merged(uid, container),
    readRootfsText: (uid, container, path) => inside(uid, () => readInside(merged(uid, container), path)),
    mounts: uid => inside(uid, () => mountsBelow([layout.podDir(uid), layout.sandboxDir(uid), layout.mappedDir(uid)])),
    release: () => namespaces.release(),
    sandboxDir: uid => (mapped.has(uid) ? mapped.path(uid, 'sandbox') : layout.sandboxDir(uid)),
    terminationLog: (uid, container) =>
      mapped.has(uid) ? mapped.path(uid, `termination/${container}`) : layout.terminationLog(uid, container),
  }
}
