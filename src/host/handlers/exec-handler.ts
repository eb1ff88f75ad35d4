/** A command in the container. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import type { HandlerOutcome } from '../../engine/ports.ts'
import { limitTime, type TimeLimit } from './time-limit.ts'

/** Bytes of output that are kept for the message. Source: kubelet, pkg/probe/exec maxReadLength. */
const OUTPUT_BYTES = 10 * 1024

export interface ExecRunner {
  /** Program and arguments that run a command in the container: it is appended to them. */
  readonly argv: readonly string[]
  /** Where that program writes the number of the command's process. */
  readonly pidFile: string
}

/** Ok when it ends with status 0 within the limit; it is killed after that. */
export function probeExec(
  { argv, pidFile }: ExecRunner,
  command: readonly string[],
  limit: TimeLimit,
): Promise<HandlerOutcome> {
  const [program, ...args] = [...argv, ...command]
  return new Promise(resolve => {
    const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (chunk: Buffer) => {
      if (output.length < OUTPUT_BYTES) output += chunk.toString('utf8').slice(0, OUTPUT_BYTES - output.length)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const finish = (outcome: HandlerOutcome) => {
      time[Symbol.dispose]()
      // The command may have left processes that hold its pipes.
      child.stdout.destroy()
      child.stderr.destroy()
      rmSync(pidFile, { force: true })
      resolve(outcome)
    }
    const time = limitTime(limit, why => {
      killNamed(pidFile)
      child.kill('SIGKILL')
      const text = JSON.stringify(command.join(' '))
      const late = `command timed out: ${text} timed out after ${limit.timeoutMs / 1000}s`
      finish({ ok: false, message: why ?? late })
    })
    child.on('error', error => finish({ ok: false, unasked: true, message: error.message }))
    child.on('exit', code => {
      // The OCI runtime names the process only once it has become the command.
      const unasked = !existsSync(pidFile)
      // What it printed last may still be in the pipe.
      setImmediate(() => finish({ ok: code === 0, message: output.trim(), ...(unasked ? { unasked } : {}) }))
    })
  })
}

/** The command itself: it is no child of what started it. */
function killNamed(pidFile: string): void {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8'))
    if (pid > 0) process.kill(pid, 'SIGKILL')
  } catch {
    // Not begun, or just ended.
  }
}
