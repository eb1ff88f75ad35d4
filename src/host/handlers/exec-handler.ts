/** A command in the container. */
import type { HandlerOutcome } from '../../engine/ports.ts'
import { launch } from '../sys/launch.ts'
import { Relay } from '../sys/relay.ts'
import { limitTime, type TimeLimit } from './time-limit.ts'

/** Bytes of output that are kept for the message. Source: kubelet, pkg/probe/exec maxReadLength. */
const OUTPUT_BYTES = 10 * 1024

export interface ExecRunner extends Disposable {
  /** Program and arguments that run a command in the container: it is appended to them. */
  readonly argv: readonly string[]
  /** The number of the command's process; 0 while there is none. */
  pid(): number
  /** What kept that program from running the command, or from knowing how that ended; '' when nothing did. */
  failure(): string
}

/** Ok when it ends with status 0 within the limit; it is killed after that. Disposes of its runner. */
export async function probeExec(
  given: ExecRunner,
  command: readonly string[],
  limit: TimeLimit,
): Promise<HandlerOutcome> {
  using runner = given
  const [program, ...args] = [...runner.argv, ...command]
  let output = ''
  const keep = (chunk: Buffer) => {
    if (output.length < OUTPUT_BYTES) output += chunk.toString('utf8', 0, OUTPUT_BYTES - output.length)
  }
  using relay = new Relay({ output: keep, errors: keep })
  const { pid, ended } = await launch({ program: program!, args, files: relay.files })
  relay.start()
  const { promise: cut, resolve } = Promise.withResolvers<HandlerOutcome>()
  let isCut = false
  using _time = limitTime(limit, why => {
    isCut = true
    // The command is no child of what started it.
    kill(runner.pid())
    kill(pid)
    const text = JSON.stringify(command.join(' '))
    const late = `command timed out: ${text} timed out after ${limit.timeoutMs / 1000}s`
    resolve({ ok: false, message: why ?? late })
  })
  const judged = async (): Promise<HandlerOutcome> => {
    const status = await ended
    if (isCut) return cut
    await relay.drain()
    if (status === 0) return { ok: true, message: output.trim() }
    // The container has not been asked, or its answer is not known. Source: kubelet, pkg/probe/exec: what is no ExitError.
    const failure = runner.failure()
    if (failure !== '' || runner.pid() === 0) return { ok: false, unasked: true, message: failure || output.trim() }
    return { ok: false, message: output.trim() }
  }
  return await Promise.race([judged(), cut])
}

function kill(pid: number): void {
  try {
    if (pid > 0) process.kill(pid, 'SIGKILL')
  } catch {
    // Just ended.
  }
}
