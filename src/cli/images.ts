/** `kube images`: what is in the store. */

import type { Image } from '../host/images/types.ts'
import { lookupNames } from '../image-reference.ts'
import type { Context } from './context.ts'
import { bytes, span } from './image-words.ts'
import { table } from './render.ts'

export interface ImagesCommandOptions {
  readonly quiet?: boolean
  readonly digests?: boolean
  /** commander's form of --no-trunc and --no-headers. */
  readonly trunc?: boolean
  readonly headers?: boolean
  readonly output?: string
}

export async function runImages(
  [name]: [string | undefined],
  options: ImagesCommandOptions,
  context: Context,
): Promise<number> {
  const { io } = context
  const { store, now } = await context.host()
  const images = store.list().filter(image => name === undefined || isNamed(image, name))
  if (options.output === 'json') {
    io.out(`${JSON.stringify(images, null, 2)}\n`)
    return 0
  }
  const id = (image: Image): string =>
    options.trunc === false ? image.id : image.id.replace('sha256:', '').slice(0, 12)
  if (options.quiet) {
    for (const image of images) io.out(`${id(image)}\n`)
    return 0
  }
  const nowMs = Date.parse(now())
  const rows = images.flatMap(image =>
    namesOf(image).map(({ repository, tag }) => [
      repository,
      tag,
      ...(options.digests ? [image.manifestDigest ?? '<none>'] : []),
      id(image),
      image.created === undefined ? 'N/A' : `${span(nowMs - Date.parse(image.created))} ago`,
      bytes(image.sizeBytes),
    ]),
  )
  const header = ['REPOSITORY', 'TAG', ...(options.digests ? ['DIGEST'] : []), 'IMAGE ID', 'CREATED', 'SIZE']
  io.out(table(header, rows, { header: options.headers !== false }))
  return 0
}

/** By a repository without tag, by a whole reference, or by ID. */
function isNamed(image: Image, name: string): boolean {
  if (image.id.replace('sha256:', '').startsWith(name.replace('sha256:', '')) && name.length >= 4) return true
  const wanted = lookupNames(name)
  const hasTag = /[:@][^/]*$/.test(name)
  return image.references.some(reference =>
    wanted.some(
      candidate => reference === candidate || (!hasTag && repositoryOf(reference) === repositoryOf(candidate)),
    ),
  )
}

function repositoryOf(reference: string): string {
  return reference.replace(/(?::[^/:@]*|@.*)$/, '')
}

function namesOf(image: Image): readonly { readonly repository: string; readonly tag: string }[] {
  if (image.references.length === 0) return [{ repository: '<none>', tag: '<none>' }]
  return image.references.map(reference => {
    const repository = repositoryOf(reference)
    return { repository, tag: reference.includes('@') ? '<none>' : reference.slice(repository.length + 1) }
  })
}
