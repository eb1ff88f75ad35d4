/** `kube cp`: files between this machine and a running container, by the container's tar, as kubectl does it. */
import { spawn } from 'node:child_process'
import { mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import { KubeError } from '../diagnostic.ts'
import { execCommand } from '../host/runtime/exec-command.ts'
import { requireProgram } from '../host/sys/find-program.ts'
import { packTree } from '../host/sys/pack-tree.ts'
import type { Context } from './context.ts'
import { runningContainer } from './exec.ts'
import { chooseContainer, findPod } from './find-pod.ts'
import type { RealHost } from './host.ts'

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
  if (from) await copyOut(new Inside(host, from, options, context), from.path, resolve(context.io.cwd, target))
  else if (to) await copyIn(new Inside(host, to, options, context), resolve(context.io.cwd, source), to.path, context)
  return 0
}

/** `POD:PATH` or `NAMESPACE/POD:PATH`; undefined for a path of this machine. */
function placeOf(text: string, options: CpOptions): Place | undefined {
  const match = /^(?:([a-z0-9-]+)\/)?([a-z0-9.-]+):(.+)$/.exec(text)
  if (!match) return undefined
  return { namespace: match[1] ?? options.namespace, pod: match[2]!, path: match[3]! }
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

  async run(
    command: readonly string[],
    streams: { readonly stdin?: AsyncIterable<Uint8Array>; readonly output?: (bytes: Buffer) => void } = {},
  ): Promise<number> {
    const { runtime } = this.#context.globals
    try {
      return await execCommand({
        layout: this.#host.layout,
        ...(runtime === undefined ? {} : { runtime }),
        id: this.#id,
        command,
        stdin: streams.stdin ?? false,
        terminal: false,
        signal: this.#context.signal,
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
  const failed = new Promise<never>((_, reject) => {
    tar.on('error', reject)
  })
  const copied = inside.run(['tar', '-xmf', '-', '-C', directory], { stdin: tar })
  const status = await Promise.race([copied, failed])
  if (status !== 0) throw new KubeError('CopyFailed', `${inside.name}: tar ended with status ${status}`)
}

/**
 * It is unpacked into a new directory beside the target and moved into place whole: what the container sends can lead
 * nowhere else, whatever links it holds.
 */
async function copyOut(inside: Inside, source: string, target: string): Promise<void> {
  const trimmed = source.replace(/\/+$/, '') || '/'
  const isInto = statSync(target, { throwIfNoEntry: false })?.isDirectory() === true
  const final = isInto ? join(target, basename(trimmed)) : target
  const scratch = mkdtempSync(join(dirname(final), '.kube-cp-'))
  try {
    const stream = new PassThrough()
    const unpacked = unpack(stream, scratch)
    const status = await inside.run(['tar', '-cf', '-', '-C', dirname(trimmed), basename(trimmed)], {
      output: bytes => void stream.write(Buffer.from(bytes)),
    })
    stream.end()
    await unpacked
    if (status !== 0) throw new KubeError('CopyFailed', `${inside.name}: tar ended with status ${status}`)
    const made = join(scratch, basename(trimmed))
    if (statSync(final, { throwIfNoEntry: false })?.isDirectory() === true) {
      throw new KubeError('CopyFailed', `${final} is a directory that is there already`, { hint: 'remove it first' })
    }
    renameSync(made, final)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function unpack(stream: NodeJS.ReadableStream, directory: string): Promise<void> {
  const args = ['-xmf', '-', '--no-same-owner', '--no-same-permissions', '--delay-directory-restore', '-C', directory]
  const child = spawn(requireProgram('tar'), args, { stdio: ['pipe', 'ignore', 'inherit'] })
  child.stdin!.on('error', () => {})
  stream.pipe(child.stdin!)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => {
      if (code === 0) resolve()
      else reject(new KubeError('CopyFailed', `unpacking into ${directory}: tar ended with status ${code}`))
    })
  })
}
