/** Running another program to its end. */
import { errnoOf, KubeError } from '../../diagnostic.ts'
import { toolMissing } from './find-program.ts'
import { launch, memoryFile } from './launch.ts'

export interface Finished {
  /** Exit status; 128 + n after signal n. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program and collects what it prints. It fails only when the program can't be started (code `ToolMissing`
 * when it isn't there); a status other than 0 is the caller's to judge. It waits for the program's end, not for others
 * that the program may leave behind with its output.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly input?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Finished> {
  const { input, env } = options
  using stdin = memoryFile(input)
  using stdout = memoryFile()
  using stderr = memoryFile()
  const { ended } = await start()
  const status = await ended
  return { status, stdout: stdout.text(), stderr: stderr.text() }

  async function start() {
    const files = [input === undefined ? null : stdin.fd, stdout.fd, stderr.fd]
    try {
      return await launch({ program, args, files, ...(env ? { env } : {}) })
    } catch (error) {
      throw toolError(program, error)
    }
  }
}

/** What to raise where the kernel refuses. Source: clone(2), open(2). */
const LIMITS: Readonly<Record<string, string>> = {
  EAGAIN: 'raise kernel.pid_max, kernel.threads-max, pids.max or `ulimit -u`',
  EMFILE: 'raise `ulimit -n`',
  ENFILE: 'raise fs.file-max',
}

/** What a failure to start a program means, with the package that has it. */
export function toolError(program: string, error: unknown): KubeError {
  const name = program.slice(program.lastIndexOf('/') + 1)
  if (errnoOf(error) === 'ENOENT') return toolMissing(name)
  const hint = LIMITS[errnoOf(error) ?? '']
  return new KubeError(errnoOf(error) ?? 'Failed', `cannot run ${program}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint: `${hint}; \`kube system check\` lists limits` }),
  })
}
