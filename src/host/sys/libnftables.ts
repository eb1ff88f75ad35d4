/**
 * nft(8) as a library: the program would take twenty milliseconds, most of them waiting for the kernel at its end.
 * Source: libnftables(3).
 */
import { toolMissing } from './find-program.ts'
import { callInPool, type ForeignFunction, library } from './foreign.ts'

const call = library('libnftables.so.1')

/**
 * Runs commands as `nft -f` does, all of them or none, and perhaps twice: doing them again must change nothing. Returns what is wrong with them, or `undefined` when nothing is. Fails
 * with code `ToolMissing` where the library is not.
 */
export async function runNft(commands: string): Promise<string | undefined> {
  return (await runCommands(commands)).problem
}

/** What `nft` would print; `undefined` when it fails, as for what is not there. */
export async function askNft(commands: string): Promise<string | undefined> {
  const { problem, output } = await runCommands(commands)
  return problem === undefined ? output : undefined
}

/** Whether the library is there. */
export function hasNftables(): boolean {
  try {
    call('void *nft_ctx_new(uint32_t flags)')
    return true
  } catch {
    return false
  }
}

interface Done {
  readonly problem?: string
  readonly output: string
}

/** The library gives up when a signal, such as that of a program's end, comes while it waits for the kernel's answer. */
const INTERRUPTED = /Interrupted system call/
const ATTEMPTS = 10

async function runCommands(commands: string): Promise<Done> {
  for (let attempt = 1; ; attempt++) {
    const done = await runOnce(commands)
    if (!INTERRUPTED.test(done.problem ?? '') || attempt === ATTEMPTS) return done
  }
}

async function runOnce(commands: string): Promise<Done> {
  const context = find('void *nft_ctx_new(uint32_t flags)')(0)
  try {
    // Otherwise they would go to this process's own standard output and error.
    call('int nft_ctx_buffer_output(void *context)')(context)
    call('int nft_ctx_buffer_error(void *context)')(context)
    const run = call('int nft_run_cmd_from_buffer(void *context, const char *commands)')
    const status = await callInPool(run, context, commands)
    const text = (which: 'output' | 'error') =>
      (call(`const char *nft_ctx_get_${which}_buffer(void *context)`)(context) as unknown as string).trim()
    if (status === 0) return { output: text('output') }
    return { problem: text('error') || 'nftables refuses without a reason', output: '' }
  } finally {
    // Its socket's end waits for the kernel to be done with what was deleted: that is nobody's wait.
    void callInPool(call('void nft_ctx_free(void *context)'), context)
  }
}

function find(prototype: string): ForeignFunction {
  try {
    return call(prototype)
  } catch {
    // The package of the program has the library, too.
    throw toolMissing('libnftables')
  }
}
