/** How the commands of probes and hooks are run in a container, with nothing of that on the disk, which may be full. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import type { Layout } from '../layout.ts'
import { requireProgram } from '../sys/find-program.ts'
import { memoryFile } from '../sys/launch.ts'
import { randomUuid } from '../sys/random-uuid.ts'
import { runtimeMessages } from './runtime-error.ts'

export interface ProbeRunner extends Disposable {
  /** Program and arguments that run a command in the container: it is appended to them. */
  readonly argv: readonly string[]
  /** The number of the command's process; 0 while there is none. */
  pid(): number
  /** What kept the OCI runtime from running the command, or from knowing how that ended; '' when nothing did. */
  failure(): string
}

/** `runtime` is the name or path of the OCI runtime. */
export function probeRunner(layout: Layout, id: string, runtime = 'crun'): ProbeRunner {
  const program = requireProgram(runtime)
  const isCrun = program.endsWith('/crun')
  // The read-only mount of crun spares it a copy of itself at each start.
  const launcher = isCrun && existsSync(layout.crun) ? layout.crun : program
  const log = memoryFile()
  try {
    const number = isCrun ? pidInMemory() : pidOnDisk(`${layout.bundleDir(id)}/probe-${randomUuid()}.pid`)
    const logging = ['--log', inMemory(log.fd), '--log-format', 'json']
    return {
      argv: [launcher, '--root', layout.runtimeRoot, ...logging, 'exec', '--pid-file', number.path, id],
      pid: () => Number(number.text()) || 0,
      failure: () => runtimeMessages(log.text()),
      [Symbol.dispose]() {
        log[Symbol.dispose]()
        number[Symbol.dispose]()
      },
    }
  } catch (error) {
    log[Symbol.dispose]()
    throw error
  }
}

interface PidFile extends Disposable {
  readonly path: string
  text(): string
}

function pidInMemory(): PidFile {
  const file = memoryFile()
  return { path: inMemory(file.fd), text: () => file.text(), [Symbol.dispose]: () => file[Symbol.dispose]() }
}

/** runc makes another file and renames it. */
function pidOnDisk(path: string): PidFile {
  return {
    path,
    text() {
      try {
        return readFileSync(path, 'utf8')
      } catch {
        return ''
      }
    },
    [Symbol.dispose]: () => rmSync(path, { force: true }),
  }
}

/** A name under which other programs can open what this process has open. */
function inMemory(fd: number): string {
  return `/proc/${process.pid}/fd/${fd}`
}
