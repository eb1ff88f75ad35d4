/** `kube generate`: manifests of what runs. */
import { writeFile } from 'node:fs/promises'
import { errnoOf, KubeError } from '../diagnostic.ts'
import { generate } from '../generate/generate.ts'
import type { GenerateSource, GenerateType } from '../generate/types.ts'
import { openClaimStore } from '../host/volumes/claim-store.ts'
import { jsonText } from '../manifest/integer.ts'
import { printManifest } from '../manifest/print.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import type { Context } from './context.ts'
import type { RealHost } from './host.ts'

export interface GenerateOptions {
  readonly namespace: string
  readonly service?: boolean
  readonly type?: GenerateType
  readonly replicas?: number
  readonly filename?: string
  readonly output?: string
}

export async function runGenerate(
  [names]: [readonly string[]],
  options: GenerateOptions,
  context: Context,
): Promise<number> {
  const { io } = context
  const { service, type, replicas, namespace } = options
  const request = {
    names,
    namespace,
    ...(service === undefined ? {} : { service }),
    ...(type === undefined ? {} : { type }),
    ...(replicas === undefined ? {} : { replicas }),
  }
  const { objects, notes } = generate(request, sourceOf(await context.host()))
  for (const note of notes) io.err(`warning: ${note}\n`)
  const text = options.output === 'json' ? jsonOf(objects) : printManifest(objects)
  if (options.filename === undefined || options.filename === '-') io.out(text)
  else await writeNew(options.filename, text)
  return 0
}

/** The records as generation takes them. */
export function sourceOf(host: RealHost): GenerateSource {
  return {
    objects: host.state.objects().map(object => ({ ...object, value: object.value as KubernetesObject })),
    pods: host.state.pods().map(({ app, plan }) => ({ app, plan })),
    volumes: openClaimStore(host.layout).list(),
  }
}

function jsonOf(objects: readonly KubernetesObject[]): string {
  const [only, ...others] = objects
  const whole = others.length === 0 ? only : { apiVersion: 'v1', kind: 'List', items: objects }
  return `${jsonText(whole, 2)}\n`
}

/** A manifest may hold Secrets, so nobody else may read it; what is there already is somebody's work. */
async function writeNew(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST')
      throw new KubeError('FileExists', `${path} exists already`, { hint: 'remove it first, or choose another name' })
    throw new KubeError(errnoOf(cause) ?? 'Failed', `cannot write ${path}`, { cause })
  }
}
