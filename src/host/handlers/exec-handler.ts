/** A command in the container. */
import { spawn } from 'node:child_process'
import type { HandlerOutcome } from './handlers.ts'

/** Bytes of output that are kept for the message. Source: kubelet, pkg/probe/exec maxReadLength. */
const OUTPUT_BYTES = 10 * 1024

/** Ok when it ends with status 0 within the time. */
export function probeExec(
  runner: readonly string[],
  command: readonly string[],
  timeoutMs: number,
): Promise<HandlerOutcome> {
  const [program, ...args] = [...runner, ...command]
  return new Promise(resolve => {
    const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (chunk: Buffer) => {
      if (output.length < OUTPUT_BYTES) output += chunk.toString('utf8').slice(0, OUTPUT_BYTES - output.length)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const finish = (outcome: HandlerOutcome) => {
      clearTimeout(timer)
      // The command may have left processes that hold its pipes.
      child.stdout.destroy()
      child.stderr.destroy()
      resolve(outcome)
    }
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      finish({
        ok: false,
        message: `command timed out: ${JSON.stringify(command)} timed out after ${timeoutMs / 1000}s`,
      })
    }, timeoutMs)
    child.on('error', error => finish({ ok: false, message: error.message }))
    child.on('exit', code => {
      // What it printed last may still be in the pipe.
      setImmediate(() => finish({ ok: code === 0, message: output.trim() }))
    })
  })
}
