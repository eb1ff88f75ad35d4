/** `kube pull`: images from their registries. */
import type { Context } from './context.ts'
import { PullDisplay } from './pull-display.ts'
import { truthOf } from './truth.ts'

export interface PullCommandOptions {
  readonly platform?: string
  readonly authfile?: string
  readonly creds?: string
  readonly tlsVerify?: string | boolean
  readonly quiet?: boolean
  readonly output?: string
}

export async function runPull(
  [names]: [readonly string[]],
  options: PullCommandOptions,
  context: Context,
): Promise<number> {
  const { io } = context
  const { store } = await context.host()
  const verify = truthOf(options.tlsVerify, '--tls-verify')
  const images = []
  for (const name of names) {
    using display = new PullDisplay(io, name, options.quiet !== true && io.errIsTerminal)
    const image = await store.pull(name, {
      ...(options.platform === undefined ? {} : { platform: options.platform }),
      ...(options.authfile === undefined ? {} : { authFile: options.authfile }),
      ...(options.creds === undefined ? {} : { credentials: options.creds }),
      ...(verify === undefined ? {} : { tlsVerify: verify }),
      onProgress: progress => display.show(progress),
      signal: context.signal,
    })
    images.push(image)
    if (options.output !== 'json') io.out(`${image.id}\n`)
  }
  if (options.output === 'json') io.out(`${JSON.stringify(images, null, 2)}\n`)
  return 0
}
