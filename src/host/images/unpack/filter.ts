/** Compressions that Node.js does not know, by the programs that everybody has. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { errnoOf, KubeError } from '../../../diagnostic.ts'

/** `bytes` through `xz -dc` or `bzip2 -dc`. */
export async function* filterThrough(
  program: 'xz' | 'bzip2',
  bytes: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void> {
  const child = spawn(program, ['-dc'], { stdio: ['pipe', 'pipe', 'ignore'] })
  const ended = once(child, 'close')
  ended.catch(() => {})
  // When the program ends early, its exit status tells why.
  pipeline(bytes, child.stdin).catch(() => {})
  try {
    for await (const piece of child.stdout as AsyncIterable<Buffer>) yield piece
    const [status] = await ended
    if (status !== 0) throw new KubeError('ImageInvalid', `damaged ${program} data`)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    throw new KubeError('ToolMissing', `${program} is needed to read this file and is not installed`, {
      hint: `install ${program === 'xz' ? 'xz-utils' : program}`,
    })
  } finally {
    child.kill()
  }
}
