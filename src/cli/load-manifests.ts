/** From arguments to objects and plans: what play, plan, down and diff have in common. */
import { basename, dirname, extname, resolve } from 'node:path'
import { type Diagnostic, KubeError } from '../diagnostic.ts'
import { readManifests } from '../manifest/read.ts'
import type { KubernetesObject, ManifestObject, ManifestText } from '../manifest/types.ts'
import { withGeneratedNames } from '../plan/generated-names.ts'
import { type IdleImage, planApp } from '../plan/plan-app.ts'
import type { PodPlan, PodSettings } from '../plan/types.ts'
import type { Context } from './context.ts'
import { gatherTexts } from './gather.ts'
import { renderDiagnostics } from './render-diagnostics.ts'

export interface LoadOptions {
  readonly namespace: string
  /** `-f`: what is read before the arguments. */
  readonly filename?: readonly string[]
  readonly recursive?: boolean
  readonly kustomize?: boolean
  readonly skipUnknown?: boolean
  readonly seccompProfileRoot?: string
  readonly settings?: PodSettings
  /** Changes the objects before they are planned. */
  readonly edit?: (objects: readonly ManifestObject[]) => readonly ManifestObject[]
}

/**
 * What `-f` and the arguments name, in this order.
 * @throws KubeError with exit status 2: nothing is named.
 */
export function namedFiles(args: readonly string[], options: Pick<LoadOptions, 'filename'>): readonly string[] {
  const files = [...(options.filename ?? []), ...args]
  if (files.length > 0) return files
  throw new KubeError('Usage', 'no manifest is named', { exitStatus: 2, hint: 'name files, directories, URLs or -' })
}

export interface LoadedManifests {
  readonly texts: readonly ManifestText[]
  readonly objects: readonly ManifestObject[]
  readonly plans: readonly PodPlan[]
  /** Pods that jobs of CronJobs will make. */
  readonly later: readonly PodPlan[]
  /** Images of objects that make no pod as they are. */
  readonly idle: readonly IdleImage[]
}

/** Reads, checks and plans. Warnings go to standard error; errors end the command with status 2 and every finding. */
export async function loadManifests(
  files: readonly string[],
  options: LoadOptions,
  context: Context,
  existing: readonly KubernetesObject[] = [],
): Promise<LoadedManifests> {
  const { texts, objects: read, rejected, diagnostics } = await readObjects(files, options, context)
  const objects = options.edit?.(read) ?? read
  const planned = planApp(objects, {
    existing,
    rejected,
    ...(options.seccompProfileRoot === undefined
      ? {}
      : { seccompRoot: resolve(context.io.cwd, options.seccompProfileRoot) }),
    ...(options.settings === undefined ? {} : { settings: options.settings }),
    baseDir: file => resolve(context.io.cwd, file === '-' ? '.' : dirname(file)),
  })
  report([...diagnostics, ...planned.diagnostics], texts, context)
  return { texts, objects, plans: planned.pods, later: planned.later, idle: planned.idle }
}

/** Reads and checks, and leaves the judgement to the caller. */
export async function readObjects(files: readonly string[], options: LoadOptions, context: Context) {
  const texts = await gatherTexts(files, {
    readInput: context.io.readInput,
    recursive: options.recursive === true,
    kustomize: options.kustomize === true,
  })
  const { objects, rejected, diagnostics } = await readManifests(texts, {
    namespace: options.namespace,
    skipUnknown: options.skipUnknown === true,
  })
  return { texts, objects: withGeneratedNames(objects), rejected, diagnostics }
}

/** Warnings to standard error; fails when there are errors. */
function report(diagnostics: readonly Diagnostic[], texts: readonly ManifestText[], context: Context): void {
  const errors = diagnostics.filter(diagnostic => diagnostic.severity === 'error')
  const told = diagnostics.filter(diagnostic => diagnostic.severity !== 'notice')
  context.io.err(renderDiagnostics(context.io, told, texts))
  if (errors.length === 0) return
  throw new KubeError(
    'ManifestInvalid',
    `${errors.length} ${errors.length === 1 ? 'error' : 'errors'} in the manifest; nothing was changed`,
    {
      exitStatus: 2,
      diagnostics: errors,
    },
  )
}

/** Where an app comes from: the file's or directory's absolute path, a URL, or `-`; several sources are one list. */
export function sourceOf(files: readonly string[], cwd: string): string {
  return files.map(file => (isAddress(file) ? file : resolve(cwd, file))).join('\n')
}

/** `web` for web.yaml, a directory's name, the last part of a URL; for standard input its first object's name. */
export function appNameOf(files: readonly string[], objects: readonly ManifestObject[]): string {
  const first = files[0]
  const raw = first === undefined || first === '-' ? objects[0]?.name : basename(resolve('/', first), extname(first))
  const name = (raw ?? '')
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
  return name === '' ? 'app' : name
}

function isAddress(file: string): boolean {
  return file === '-' || /^https?:\/\//.test(file)
}
