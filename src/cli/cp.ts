/** `kube cp`: files between this machine and a running container, by the container's tar, as kubectl does it. */
import { lstatSync, mkdtempSync, renameSync, statSync } from 'node:fs'
import { basename, dirname, join, posix, resolve } from 'node:path'
import { during, errnoOf, KubeError } from '../diagnostic.ts'
import { startTimer } from '../engine/timer.ts'
import { PlainTree } from '../host/images/unpack/plain-tree.ts'
import { TarError } from '../host/images/unpack/tar-header.ts'
import { TarReader } from '../host/images/unpack/tar-reader.ts'
import { execCommand } from '../host/runtime/exec-command.ts'
import { packTree } from '../host/sys/pack-tree.ts'
import { removeTree } from '../host/sys/remove-tree.ts'
import type { Context } from './context.ts'
import { runningContainer } from './exec.ts'
import { chooseContainer, findPod } from './find-pod.ts'
import type { RealHost } from './host.ts'
import { visible } from './render.ts'

export interface CpOptions {
  readonly namespace: string
  readonly container?: string
}

interface Place {
  readonly pod: string
  readonly namespace: string
  readonly path: string
}

export async function runCp([source, target]: [string, string], options: CpOptions, context: Context): Promise<number> {
  const from = placeOf(source, options)
  const to = placeOf(target, options)
  if ((from === undefined) === (to === undefined)) {
    throw new KubeError('Usage', 'one of the two must be a path of this machine, the other POD:PATH', { exitStatus: 2 })
  }
  const host = await context.host()
  if (from) await copyOut(new Inside(host, from, options, context), from.path, resolve(context.io.cwd, target), context)
  else if (to) await copyIn(new Inside(host, to, options, context), resolve(context.io.cwd, source), to.path, context)
  return 0
}

/** `POD:PATH` or `NAMESPACE/POD:PATH`; undefined for a path of this machine. */
function placeOf(text: string, options: CpOptions): Place | undefined {
  const match = /^(?:([a-z0-9-]+)\/)?([a-z0-9.-]+):(.+)$/.exec(text)
  if (!match) return undefined
  return { namespace: match[1] ?? options.namespace, pod: match[2]!, path: match[3]! }
}

interface CopyStreams {
  readonly stdin?: AsyncIterable<Uint8Array>
  readonly output?: (bytes: Buffer) => void
  readonly signal?: AbortSignal
}

/** Commands in the container. */
class Inside {
  readonly #host: RealHost
  readonly #id: string
  readonly #context: Context
  readonly name: string

  constructor(host: RealHost, place: Place, options: CpOptions, context: Context) {
    const pod = findPod(host, place.pod, place.namespace, context.io)
    const member = chooseContainer(pod.plan, options.container, context.io)
    this.#host = host
    this.#context = context
    this.#id = runningContainer(host, pod, member.name)
    this.name = `container ${member.name} of pod ${pod.plan.name}`
  }

  async run(command: readonly string[], streams: CopyStreams = {}): Promise<number> {
    const { runtime } = this.#context.globals
    try {
      return await execCommand({
        layout: this.#host.layout,
        ...(runtime === undefined ? {} : { runtime }),
        id: this.#id,
        command,
        stdin: streams.stdin ?? false,
        terminal: false,
        signal: streams.signal ?? this.#context.signal,
        ...(streams.output ? { output: streams.output } : {}),
      })
    } catch (cause) {
      if (!(cause instanceof KubeError) || cause.code !== 'CommandNotFound') throw cause
      throw new KubeError('CopyFailed', `${this.name} has no ${command[0]}`, {
        hint: 'copying needs tar in the image; a volume does without',
      })
    }
  }

  async isDirectory(path: string): Promise<boolean> {
    return (await this.run(['test', '-d', path])) === 0
  }
}

async function copyIn(inside: Inside, source: string, target: string, { io }: Context): Promise<void> {
  if (!statSync(source, { throwIfNoEntry: false }))
    throw new KubeError('CopyFailed', `${source} doesn't exist in local filesystem`)
  const intoDirectory = target.endsWith('/') || (await inside.isDirectory(target))
  const directory = intoDirectory ? target : dirname(target)
  const name = intoDirectory ? basename(source) : basename(target)
  const tar = packTree(source, name, path => io.err(`warning: ${path} is neither file, directory nor link: left out\n`))
  const status = await inside.run(['tar', '-xmf', '-', '-C', directory], { stdin: tar })
  if (status !== 0) throw new KubeError('CopyFailed', `${inside.name}: tar ended with status ${status}`)
}

/**
 * It is unpacked into a new directory beside the target and moved into place whole, so that the target is as it was when
 * that fails.
 */
async function copyOut(inside: Inside, source: string, target: string, { io, signal }: Context): Promise<void> {
  const from = posix.normalize(source).replace(/\/+$/, '')
  const name = basename(from)
  if (name === '' || name === '.' || name === '..')
    throw new KubeError('Usage', `${source} is not the name of a file or directory`, { exitStatus: 2 })
  const isInto = statSync(target, { throwIfNoEntry: false })?.isDirectory() === true
  const final = isInto ? join(target, name) : target
  requireReplaceable(final)
  const scratch = mkdtempSync(join(dirname(final), '.kube-cp-'))
  try {
    const skipped = new Skipped(text => io.err(text))
    using tree = new PlainTree({ directory: scratch, name, onSkip: (path, what) => skipped.add(path, what) })
    await unpack(inside, from, tree, signal)
    skipped.tellRest()
    const made = join(scratch, name)
    if (!lstatSync(made, { throwIfNoEntry: false }))
      throw new KubeError('CopyFailed', `${inside.name}: there is nothing of ${from} that can be copied`)
    requireReplaceable(final)
    try {
      renameSync(made, final)
    } catch (cause) {
      throw during(`move what was copied to ${final}`, cause)
    }
  } finally {
    await removeTree(scratch)
  }
}

/** As cp, it replaces a file by a file; unlike cp, no device: that would be gone from the machine. */
function requireReplaceable(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined || stats.isFile()) return
  const kind = stats.isDirectory() ? 'a directory that is there already' : 'neither a file nor a directory'
  throw new KubeError('CopyFailed', `${path} is ${kind}`, stats.isDirectory() ? { hint: 'remove it first' } : {})
}

/** How long the container's tar may go on after the end of its archive, in milliseconds. */
const TAIL_MS = 10_000

async function unpack(inside: Inside, from: string, tree: PlainTree, signal: AbortSignal): Promise<void> {
  const reader = new TarReader(tree)
  const late = new AbortController()
  let tail: Disposable | undefined
  const output = (bytes: Buffer) => {
    try {
      reader.push(bytes)
    } catch (error) {
      throw copyError(inside, error)
    }
    if (reader.hasEnded) tail ??= startTimer(() => late.abort(), TAIL_MS)
  }
  try {
    // Its name may begin like an option.
    const command = ['tar', '-cf', '-', '-C', dirname(from), `./${basename(from)}`]
    const status = await inside.run(command, { output, signal: AbortSignal.any([signal, late.signal]) })
    if (status !== 0) throw new KubeError('CopyFailed', `${inside.name}: tar ended with status ${status}`)
    reader.finish()
    tree.finish()
  } catch (error) {
    if (late.signal.aborted) throw new KubeError('CopyFailed', `${inside.name}: tar goes on after its archive's end`)
    throw copyError(inside, error)
  } finally {
    tail?.[Symbol.dispose]()
  }
}

function copyError(inside: Inside, error: unknown): unknown {
  if (error instanceof TarError)
    return new KubeError('CopyFailed', `${inside.name}: what its tar sends: ${error.message}`)
  return error instanceof KubeError || errnoOf(error) === undefined ? error : during('unpack', error)
}

/** Names that are told one by one; the rest is counted. */
const NAMES_TOLD = 5

/** What was left out of a copy. */
class Skipped {
  readonly #tell: (text: string) => void
  #count = 0

  constructor(tell: (text: string) => void) {
    this.#tell = tell
  }

  add(path: string, what: string): void {
    if (++this.#count <= NAMES_TOLD) this.#tell(`warning: ${visible(path)} is ${visible(what)}: left out\n`)
  }

  tellRest(): void {
    if (this.#count > NAMES_TOLD) this.#tell(`warning: ${this.#count - NAMES_TOLD} more were left out\n`)
  }
}
