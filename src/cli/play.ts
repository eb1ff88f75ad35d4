/** `kube play`: brings what the manifests say to life, and stays with it as long as it is asked to. */
import { KubeError } from '../diagnostic.ts'
import type { Context } from './context.ts'
import { namedFiles } from './load-manifests.ts'
import { type PlayCommandOptions, playOnce } from './play-once.ts'
import { refuseFlags } from './podman-flags.ts'
import { renderError } from './render.ts'
import { truthOf } from './truth.ts'

export async function runPlay(
  [args]: [readonly string[]],
  options: PlayCommandOptions,
  context: Context,
): Promise<number> {
  const { wait, timeoutMs, extra } = await waitOf(options)
  const files = namedFiles([...args, ...extra], options)
  refuseFlags('play', { ...options })
  if (truthOf(options.start, '--start') === false && (wait !== undefined || options.attach))
    throw new KubeError('Usage', '--start=false: nothing runs that could be waited for', {
      exitStatus: 2,
      hint: 'leave out --wait and --attach',
    })
  if (options.down) return (await import('./down.ts')).runDown([files], options, context)
  const { app, failure } = await playOnce(files, options, context)
  if (options.dryRun) return 0
  if (wait === 'ready' || wait === 'complete') {
    const { waitForApp } = await import('./play-wait.ts')
    return waitForApp({ app, goal: wait, timeoutMs, context })
  }
  if (wait === undefined && !options.attach && !options.watch) {
    if (failure) throw failure
    return 0
  }
  if (failure) context.io.err(renderError(context.io, failure))
  if (options.watch) {
    const { watchFiles } = await import('./play-watch.ts')
    const again = async () => {
      const { failure } = await playOnce(files, options, context)
      if (failure) throw failure
    }
    if (wait === undefined && !options.attach) return watchFiles(files, again, context)
    void watchFiles(files, again, context)
  }
  const { stayWith } = await import('./foreground.ts')
  return stayWith({ app, withLogs: options.attach === true, timeoutMs, context })
}

interface WaitChoice {
  readonly wait: 'ready' | 'complete' | 'done' | undefined
  /** `undefined`: as long as it takes. */
  readonly timeoutMs: number | undefined
  /** What the option took for its value and is a file. */
  readonly extra: readonly string[]
}

const GOALS = ['ready', 'complete', 'done'] as const
/** How long `--wait=ready` waits, in milliseconds. */
const READY_MS = 5 * 60_000

async function timeoutOf(timeout: string | undefined, goal: WaitChoice['wait']): Promise<number | undefined> {
  if (timeout === undefined) return goal === 'ready' ? READY_MS : undefined
  const { parseDuration } = await import('./duration.ts')
  return parseDuration(timeout)
}

async function waitOf({ wait, timeout }: PlayCommandOptions): Promise<WaitChoice> {
  const named = GOALS.find(goal => goal === wait)
  const isFile = typeof wait === 'string' && named === undefined && wait !== 'true' && wait !== 'false'
  const goal = named ?? (wait === undefined || wait === false || wait === 'false' ? undefined : 'done')
  return { wait: goal, timeoutMs: await timeoutOf(timeout, goal), extra: isFile ? [wait] : [] }
}
