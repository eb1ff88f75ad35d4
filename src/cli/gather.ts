/** The texts that a command's arguments name: files, directories, globs, `-` and URLs. */
import { spawn } from 'node:child_process'
import { type Dirent, readFileSync, type Stats, statSync } from 'node:fs'
import { glob, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { errnoOf, KubeError } from '../diagnostic.ts'
import type { ManifestText } from '../manifest/types.ts'

export interface GatherOptions {
  /** Also the directories below a directory (`-R`). */
  readonly recursive?: boolean
  /** Takes each argument for a kustomization's directory or URL and builds it (`-k`). */
  readonly kustomize?: boolean
  /** What `-` reads, standard input, or a pipe. */
  readonly readInput: (path?: string) => Promise<Uint8Array>
}

/** What kubectl takes from a directory. */
const manifestFile = /\.(ya?ml|json)$/i

/**
 * Reads what the arguments name, in their order; a directory's files by name.
 * @throws KubeError with exit status 2: what is named is not there or can't be read.
 */
export async function gatherTexts(args: readonly string[], options: GatherOptions): Promise<readonly ManifestText[]> {
  const texts: ManifestText[] = []
  for (const argument of args) {
    if (options.kustomize === true) texts.push(await buildKustomization(argument))
    else if (argument === '-') texts.push({ name: '-', text: decoded(await options.readInput(), '-') })
    else if (/^https?:\/\//.test(argument)) texts.push(await readUrl(argument))
    else texts.push(...(await readPath(argument, options)))
  }
  return texts
}

async function readPath(path: string, options: GatherOptions): Promise<readonly ManifestText[]> {
  const found = find(path)
  if (found === undefined && /[*?[{]/.test(path)) return readGlob(path)
  if (found !== 'closed' && found?.isDirectory() === true) return readDirectory(path, options.recursive === true)
  // Opening it may wait for ever for whoever writes.
  if (found !== 'closed' && found?.isFIFO() === true)
    return [{ name: path, text: decoded(await options.readInput(path), path) }]
  return [await readText(path)]
}

/** What is there; 'closed' where that cannot be told: reading it says why. */
function find(path: string): Stats | 'closed' | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return 'closed'
  }
}

async function readText(path: string): Promise<ManifestText> {
  try {
    return { name: path, text: decoded(readFileSync(path), path) }
  } catch (error) {
    if (error instanceof KubeError) throw error
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') {
      const hint = 'check the path; a directory, a glob, a URL and - work as well'
      throw new KubeError('ManifestNotFound', `${path}: no such file`, { exitStatus: 2, hint })
    }
    throw new KubeError('ManifestUnreadable', `${path}: cannot be read (${errno ?? String(error)})`, { exitStatus: 2 })
  }
}

/** Byte order marks of what libyaml reads besides UTF-8; PowerShell's `>` writes the first. */
const utf16Marks = [
  [0xff, 0xfe, 'utf-16le'],
  [0xfe, 0xff, 'utf-16be'],
] as const

/** @throws KubeError with exit status 2: bytes that are no text would be replaced without a word otherwise. */
function decoded(bytes: Uint8Array, name: string): string {
  const encoding = utf16Marks.find(([first, second]) => bytes[0] === first && bytes[1] === second)?.[2] ?? 'utf-8'
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    const hint = bytes.includes(0)
      ? 'this is no text: images are brought here by `kube load` and `kube import`'
      : 'write it anew: iconv -f ISO-8859-1 -t UTF-8'
    throw new KubeError('ManifestUnreadable', `${name}: is not ${encoding.toUpperCase()} text`, { exitStatus: 2, hint })
  }
}

async function readGlob(pattern: string): Promise<readonly ManifestText[]> {
  const names = (await Array.fromAsync(glob(pattern))).toSorted()
  if (names.length === 0) throw new KubeError('ManifestNotFound', `${pattern}: matches no file`, { exitStatus: 2 })
  return Promise.all(names.map(readText))
}

async function readDirectory(path: string, recursive: boolean): Promise<readonly ManifestText[]> {
  const names = await filesBelow(path, recursive)
  if (names.length === 0) {
    const hint = recursive ? undefined : 'add -R to read the directories below it'
    throw new KubeError('ManifestNotFound', `${path}: holds no .yaml, .yml or .json file`, {
      exitStatus: 2,
      ...(hint === undefined ? {} : { hint }),
    })
  }
  const texts: ManifestText[] = []
  for (const name of names) texts.push(await readText(name))
  return texts
}

async function filesBelow(folder: string, recursive: boolean): Promise<readonly string[]> {
  const names: string[] = []
  for (const entry of (await entriesOf(folder)).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    // A link to a file is a file; links to directories are not followed, so that no circle can be walked.
    const isFile = entry.isFile() || (entry.isSymbolicLink() && leadsToFile(path))
    if (isFile && manifestFile.test(entry.name)) names.push(path)
    else if (recursive && entry.isDirectory()) names.push(...(await filesBelow(path, true)))
  }
  return names
}

/** One that leads nowhere is no file: editors mark with it what they have open. */
function leadsToFile(link: string): boolean {
  const found = find(link)
  return found === 'closed' || found?.isFile() === true
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    const reason = errnoOf(error) ?? String(error)
    throw new KubeError('ManifestUnreadable', `${folder}: cannot be read (${reason})`, { exitStatus: 2 })
  }
}

/** The tools that build a kustomization, in the order in which they are tried. */
const kustomizeTools = [
  ['kustomize', 'build'],
  ['kubectl', 'kustomize'],
] as const

async function buildKustomization(target: string): Promise<ManifestText> {
  for (const [tool, verb] of kustomizeTools) {
    const result = await run(tool, [verb, target])
    if (result === undefined) continue
    if (result.status === 0) return { name: `${tool} ${verb} ${target}`, text: result.out }
    const cause = new Error(result.err.trim() || `${tool} ended with status ${result.status}`)
    throw new KubeError('KustomizeFailed', `${target}: cannot be built`, { exitStatus: 2, cause })
  }
  const hint = 'install kustomize or kubectl, or pipe its output: kustomize build DIR | kube play -'
  throw new KubeError('KustomizeMissing', `${target}: neither kustomize nor kubectl is there to build it`, {
    exitStatus: 2,
    hint,
  })
}

interface ToolResult {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** Undefined when there is no such tool. */
async function run(tool: string, args: readonly string[]): Promise<ToolResult | undefined> {
  const child = spawn(tool, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<number | undefined>((resolve, reject) => {
    child.on('close', status => resolve(status ?? 1))
    child.on('error', error => (errnoOf(error) === 'ENOENT' ? resolve(undefined) : reject(error)))
  })
  const [status, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return status === undefined ? undefined : { status, out, err }
}

/** The largest text taken from a URL, in bytes. */
const maxDownloadBytes = 64 * 1024 * 1024
const downloadTimeoutMs = 30_000

async function readUrl(url: string): Promise<ManifestText> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(downloadTimeoutMs) })
    if (!response.ok) throw new Error(`the server answered ${response.status} ${response.statusText}`.trim())
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength
      if (size > maxDownloadBytes) throw new Error(`it is larger than ${maxDownloadBytes} bytes`)
      chunks.push(chunk)
    }
    return { name: url, text: decoded(Buffer.concat(chunks), url) }
  } catch (cause) {
    if (cause instanceof KubeError) throw cause
    throw new KubeError('ManifestUnreadable', `${url}: cannot be fetched`, { exitStatus: 2, cause })
  }
}
