/** `kube volume`: storage that outlives the pods. */
import { KubeError } from '../diagnostic.ts'
import { type ClaimStore, type NamedVolume, openClaimStore } from '../host/volumes/claim-store.ts'
import { diskUsage } from '../host/volumes/usage.ts'
import type { Context } from './context.ts'
import type { RealHost } from './host.ts'
import { bytes } from './image-words.ts'
import { age, renderError, table } from './render.ts'

export async function runVolumeLs(
  _args: [],
  options: { readonly namespace?: string; readonly quiet?: boolean; readonly output?: string },
  context: Context,
): Promise<number> {
  const { io } = context
  const host = await context.host()
  const volumes = inNamespace(openClaimStore(host.layout).list(), options.namespace)
  if (options.output === 'json') {
    io.out(
      `${JSON.stringify(
        volumes.map(volume => described(host, volume)),
        null,
        2,
      )}\n`,
    )
    return 0
  }
  if (options.quiet) {
    for (const { name } of volumes) io.out(`${name}\n`)
    return 0
  }
  const now = Date.parse(host.now())
  const rows = volumes.map(volume => {
    const users = usersOf(host, volume)
    return [volume.namespace, volume.name, users.join(',') || '-', age(Date.parse(volume.createdAt), now)]
  })
  io.out(table(['NAMESPACE', 'NAME', 'USED BY', 'AGE'], rows))
  return 0
}

export async function runVolumeInspect(
  [names]: [readonly string[]],
  options: { readonly namespace: string },
  context: Context,
): Promise<number> {
  const host = await context.host()
  const claims = openClaimStore(host.layout)
  const found = names.map(name => requireVolume(claims, options.namespace, name))
  const shown = await Promise.all(
    found.map(async volume => ({ ...described(host, volume), bytes: await diskUsage(volume.path) })),
  )
  context.io.out(`${JSON.stringify(shown, null, 2)}\n`)
  return 0
}

export async function runVolumeCreate(
  [names]: [readonly string[]],
  options: { readonly namespace: string },
  context: Context,
): Promise<number> {
  const host = await context.host()
  const claims = openClaimStore(host.layout)
  for (const name of [...names, options.namespace]) requireName(name)
  for (const name of names) {
    claims.make({ namespace: options.namespace, claim: name })
    context.io.out(`${name}\n`)
  }
  return 0
}

export async function runVolumeRm(
  [names]: [readonly string[]],
  options: { readonly namespace: string; readonly ignore?: boolean },
  context: Context,
): Promise<number> {
  const { io } = context
  const host = await context.host()
  const claims = openClaimStore(host.layout)
  let hasFailed = false
  for (const name of names) {
    try {
      for (const part of [options.namespace, name]) requireName(part)
      if (options.ignore && !claims.find(options.namespace, name)) continue
      await removeUnused(host, claims, requireVolume(claims, options.namespace, name))
      io.out(`${name}\n`)
    } catch (error) {
      // The others can still be removed.
      io.err(renderError(io, error))
      hasFailed = true
    }
  }
  return hasFailed ? 1 : 0
}

export async function runVolumePrune(
  _args: [],
  options: { readonly namespace?: string; readonly dryRun?: boolean; readonly output?: string },
  context: Context,
): Promise<number> {
  const { io } = context
  const host = await context.host()
  const claims = openClaimStore(host.layout)
  const named = new Set(
    host.state.objects({ kind: 'PersistentVolumeClaim' }).map(({ namespace, name }) => `${namespace}/${name}`),
  )
  const unused = inNamespace(claims.list(), options.namespace).filter(
    volume => !named.has(`${volume.namespace}/${volume.name}`) && usersOf(host, volume).length === 0,
  )
  let freedBytes = 0
  for (const volume of unused) {
    freedBytes += await diskUsage(volume.path)
    if (!options.dryRun) await removeUnused(host, claims, volume)
  }
  const deleted = unused.map(({ namespace, name }) => `${namespace}/${name}`)
  if (options.output === 'json') io.out(`${JSON.stringify({ deleted, freedBytes }, null, 2)}\n`)
  else {
    for (const name of deleted) io.out(`${options.dryRun ? 'Would delete' : 'Deleted'}: ${name}\n`)
    io.out(`${options.dryRun ? 'Would free' : 'Freed'}: ${bytes(freedBytes)}\n`)
  }
  return 0
}

function inNamespace(volumes: readonly NamedVolume[], namespace: string | undefined): readonly NamedVolume[] {
  return namespace === undefined ? volumes : volumes.filter(volume => volume.namespace === namespace)
}

function described(host: RealHost, volume: NamedVolume): object {
  return { ...volume, usedBy: usersOf(host, volume) }
}

/** Names of the pods that have the volume. */
function usersOf(host: RealHost, { namespace, name }: NamedVolume): readonly string[] {
  return host.state
    .pods()
    .filter(({ plan }) =>
      plan.volumes.some(
        volume =>
          volume.kind === 'claim' &&
          !volume.ephemeral &&
          volume.path === undefined &&
          volume.namespace === namespace &&
          volume.claim === name,
      ),
    )
    .map(({ plan }) => plan.name)
}

/** Whoever removes volumes does so alone; a pod is recorded before its volumes are looked at. */
export async function removeUnused(host: RealHost, claims: ClaimStore, volume: NamedVolume): Promise<void> {
  using _lock = await host.lock()
  const users = usersOf(host, volume)
  if (users.length > 0) {
    throw new KubeError('VolumeInUse', `volume ${volume.name} is in use by pod ${users.join(', ')}`, {
      hint: 'take down what uses it first',
    })
  }
  await claims.remove(volume.namespace, volume.name)
}

function requireVolume(claims: ClaimStore, namespace: string, name: string): NamedVolume {
  for (const part of [namespace, name]) requireName(part)
  const volume = claims.find(namespace, name)
  if (volume) return volume
  throw new KubeError('VolumeNotFound', `there is no volume ${name} in namespace ${namespace}`, {
    hint: '`kube volume ls` lists what is there',
  })
}

/** Names of claims. Source: k8s.io/apimachinery, IsDNS1123Subdomain. */
const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** A name becomes a path, which must not lead anywhere else. */
function requireName(name: string): void {
  if (NAME.test(name) && name.length <= 253) return
  throw new KubeError('Usage', `${JSON.stringify(name)} is not a name: lower case letters, digits, - and .`, {
    exitStatus: 2,
  })
}
