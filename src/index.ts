/**
 * The TypeScript API: pods as fixtures of a test.
 *
 * ```ts
 * import { play } from 'kube'
 *
 * await using app = await play('app.yaml')
 * const response = await fetch(`http://${app.pods[0].podIP}:8080/`)
 * ```
 */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type HostOptions, openHost, type RealHost } from './cli/host.ts'
import { type Diagnostic, KubeError } from './diagnostic.ts'
import { down } from './engine/down.ts'
import { play as playApp } from './engine/play.ts'
import { printManifest } from './manifest/print.ts'
import { readManifests } from './manifest/read.ts'
import type { KubernetesObject } from './manifest/types.ts'
import { withGeneratedNames } from './plan/generated-names.ts'
import { planApp } from './plan/plan-app.ts'

export type { Diagnostic, FieldPath, Position } from './diagnostic.ts'
export { KubeError } from './diagnostic.ts'
export type { ManifestObject, ReadResult } from './manifest/types.ts'
export { readManifests }

export interface PlayOptions extends HostOptions {
  /** Namespace of objects that name none. Default `default`. */
  readonly namespace?: string
  /** Name of the app. Default: the first object's name. */
  readonly app?: string
  readonly signal?: AbortSignal
}

/** A running app; disposing of it takes it down. */
export interface PlayedApp extends AsyncDisposable {
  readonly app: string
  readonly pods: readonly PlayedPod[]
  /** Stops and removes everything the app made. `graceSeconds` replaces the pods' own grace periods. */
  down(options?: { readonly graceSeconds?: number }): Promise<void>
}

export interface PlayedPod {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly podIP: string
}

/**
 * Plays a manifest file, or objects. Fails with a `KubeError`: code `ManifestInvalid` with every finding in
 * `diagnostics`, or the code of what went wrong on the machine, after everything was rolled back.
 */
export async function play(
  manifest: string | readonly KubernetesObject[],
  options: PlayOptions = {},
): Promise<PlayedApp> {
  const file = typeof manifest === 'string' ? resolve(manifest) : undefined
  const text =
    file === undefined ? printManifest(manifest as readonly KubernetesObject[]) : await readFile(file, 'utf8')
  const namespace = options.namespace ?? 'default'
  const read = await readManifests([{ name: file ?? 'objects', text }], { namespace })
  const { rejected, diagnostics } = read
  const objects = withGeneratedNames(read.objects)
  const host = openHost(options)
  try {
    using _share = host.share()
    const existing = host.state.objects().map(object => object.value as KubernetesObject)
    const baseDir = file === undefined ? {} : { baseDir: () => dirname(file) }
    const planned = planApp(objects, { existing, rejected, ...baseDir })
    failOnErrors([...diagnostics, ...planned.diagnostics])
    const app = options.app ?? objects[0]?.name ?? 'app'
    const records = objects.map(({ apiVersion, kind, namespace, name, value }) => ({
      apiVersion,
      kind,
      namespace,
      name,
      value,
      ...(file === undefined ? {} : { origin: { baseDir: dirname(file) } }),
    }))
    await playApp(
      { app, source: file ?? '-', objects: records, plans: planned.pods, later: planned.later },
      { host, ...(options.signal ? { signal: options.signal } : {}) },
    )
    return played(app, host)
  } catch (error) {
    host.close()
    throw error
  }
}

function played(app: string, host: RealHost): PlayedApp {
  let open = true
  const takeDown = async (options: { readonly graceSeconds?: number } = {}) => {
    if (!open) return
    using _share = host.share()
    await down(app, { host, ...options })
    open = false
    host.close()
  }
  return {
    app,
    pods: host.state.pods({ app }).map(({ uid, plan, address }) => ({
      namespace: plan.namespace,
      name: plan.name,
      uid,
      podIP: address ?? host.machine.hostIps[0] ?? '127.0.0.1',
    })),
    down: takeDown,
    [Symbol.asyncDispose]: takeDown,
  }
}

function failOnErrors(diagnostics: readonly Diagnostic[]): void {
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  if (errors.length === 0) return
  const message = errors.map(({ message, path }) => `${path.join('.')}: ${message}`).join('; ')
  throw new KubeError('ManifestInvalid', message, { exitStatus: 2, diagnostics: errors })
}
