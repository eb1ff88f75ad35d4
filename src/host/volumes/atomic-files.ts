/**
 * The files of a configMap, secret, downwardAPI or projected volume. A reader sees either all of the old ones or all of
 * the new: they are in a directory of their own, which the link `..data` names, and that link is replaced in one step.
 * Source: k8s.io/kubernetes/pkg/volume/util/atomic_writer.go.
 */
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import type { FileContent } from '../../plan/file-contents.ts'
import { randomUuid } from '../sys/random-uuid.ts'
import { removeTreeNow } from '../sys/remove-tree.ts'

const DATA = '..data'
const NEXT_DATA = '..data_tmp'

/** Makes the volume hold just these files. Returns whether something changed. `gid` owns them, default root's. */
export function writeFilesAtomically(volume: string, files: readonly FileContent[], gid = 0): boolean {
  for (const file of files) checkPath(file.path)
  if (gid !== 0) giveRoot(volume, gid)
  const before = currentData(volume)
  if (before !== undefined && holdsExactly(`${volume}/${before}`, files)) return false
  const name = `..${timestamp()}.${randomUuid().slice(0, 8)}`
  const payload = `${volume}/${name}`
  makeDirectory(payload, gid)
  for (const file of files) writePayload(payload, file, gid)
  rmSync(`${volume}/${NEXT_DATA}`, { force: true })
  symlinkSync(name, `${volume}/${NEXT_DATA}`)
  renameSync(`${volume}/${NEXT_DATA}`, `${volume}/${DATA}`)
  const tops = new Set(files.map(file => file.path.split('/', 1)[0]!))
  const there = readdirSync(volume).filter(entry => !entry.startsWith('..'))
  for (const top of tops) if (!there.includes(top)) symlinkSync(`${DATA}/${top}`, `${volume}/${top}`)
  for (const top of there) if (!tops.has(top)) removeTreeNow(`${volume}/${top}`)
  for (const entry of readdirSync(volume)) {
    if (entry.startsWith('..') && entry !== DATA && entry !== name) removeTreeNow(`${volume}/${entry}`)
  }
  return true
}

/** The planner has refused such paths; here they would write outside of the volume. */
function checkPath(path: string): void {
  if (path === '' || path.startsWith('/') || path.startsWith('..') || path.split('/').includes('..'))
    throw new KubeError('InvalidVolumePath', `file ${JSON.stringify(path)} is not in its volume`)
}

/** `..2026_01_31_23_59_59`, as the kubelet names it. */
function timestamp(): string {
  return new Date().toISOString().slice(0, 19).replace(/[-T:]/g, '_')
}

/** Anybody's to write but for its being mounted read-only; what is made in it is the group's. */
function giveRoot(volume: string, gid: number): void {
  const { gid: current, mode } = lstatSync(volume)
  if (current === gid && (mode & 0o2000) !== 0) return
  chownSync(volume, 0, gid)
  chmodSync(volume, 0o2777)
}

function makeDirectory(path: string, gid: number): void {
  mkdirSync(path, { mode: 0o755 })
  chmodSync(path, gid === 0 ? 0o755 : 0o2755)
  if (gid !== 0) chownSync(path, 0, gid)
}

function writePayload(payload: string, file: FileContent, gid: number): void {
  const path = `${payload}/${file.path}`
  const parents = file.path.split('/').slice(0, -1)
  for (const [index] of parents.entries()) {
    const parent = `${payload}/${parents.slice(0, index + 1).join('/')}`
    if (lstatSync(parent, { throwIfNoEntry: false }) === undefined) makeDirectory(parent, gid)
  }
  const { content, mode, owner } = file
  // Readable by nobody else from the first moment, and never through something that is there already.
  writeFileSync(path, content, { mode: 0o600, flag: 'wx' })
  if (gid !== 0 || owner !== undefined) chownSync(path, owner ?? 0, gid)
  chmodSync(path, mode)
}

function currentData(volume: string): string | undefined {
  try {
    const target = readlinkSync(`${volume}/${DATA}`)
    return target === dirname(target) || target.includes('/') ? undefined : target
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EINVAL') return undefined
    throw error
  }
}

function holdsExactly(data: string, files: readonly FileContent[]): boolean {
  const there = readdirSync(data, { recursive: true, withFileTypes: true }).filter(entry => !entry.isDirectory())
  if (there.length !== files.length) return false
  return files.every(file => {
    const stats = lstatSync(`${data}/${file.path}`, { throwIfNoEntry: false })
    if (!stats?.isFile() || (stats.mode & 0o7777) !== file.mode) return false
    const bytes = typeof file.content === 'string' ? Buffer.from(file.content) : file.content
    return stats.size === bytes.length && readFileSync(`${data}/${file.path}`).equals(bytes)
  })
}
