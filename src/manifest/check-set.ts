/** What only shows when all objects of a set are seen together. */
import type { V1CustomResourceDefinition, V1PodSpec, V1PodTemplateSpec, V1Service } from '@kubernetes/client-node'
import type { Diagnostic, FieldPath } from '../diagnostic.ts'
import { type Finding, notice } from './finding.ts'
import { noMatchMessage } from './header.ts'
import { referencesOf } from './references.ts'
import { isRejected, type RejectedObject } from './rejected.ts'
import type { ManifestObject, ReadResult } from './types.ts'

/**
 * Of objects with the same identity the last one counts, as with `kubectl apply`; the earlier ones are warned about.
 * References that lead nowhere in the set are notices: what they name may have been played before.
 */
export function checkSet({ objects, rejected, diagnostics }: ReadResult): ReadResult {
  const last = new Map<string, ManifestObject>()
  for (const object of objects) last.set(identity(object), object)
  const kept = objects.filter(object => object.name === '' || last.get(identity(object)) === object)
  const found = [...repeated(objects, last), ...dangling(kept, rejected), ...idleServices(kept, rejected)]
  const told = withoutCustomKinds(objects, diagnostics)
  return { objects: kept, rejected, diagnostics: found.length === 0 ? told : inOrder([...told, ...found]) }
}

/** Kinds that the set itself defines are known to a cluster that takes it. */
function withoutCustomKinds(
  objects: readonly ManifestObject[],
  diagnostics: readonly Diagnostic[],
): readonly Diagnostic[] {
  const defined = new Set<string>()
  for (const object of objects) {
    if (object.kind !== 'CustomResourceDefinition') continue
    const { spec } = object.value as V1CustomResourceDefinition
    for (const version of spec.versions ?? [])
      defined.add(noMatchMessage(`${spec.group}/${version.name}`, spec.names?.kind ?? ''))
  }
  if (defined.size === 0) return diagnostics
  return diagnostics.map(diagnostic => {
    if (diagnostic.code !== 'UnknownKind' || !defined.has(diagnostic.message)) return diagnostic
    const { hint: _hint, ...rest } = diagnostic
    const message = 'a custom resource of a kind that is defined here: not checked and not acted on'
    return { ...rest, severity: 'notice', code: 'KindAccepted', message }
  })
}

function identity(object: ManifestObject): string {
  return `${object.apiVersion}\0${object.kind}\0${object.namespace}\0${object.name}`
}

/** By text in the order in which the texts were found, then by position. */
function inOrder(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const files = new Map<string, number>()
  for (const { file = '' } of diagnostics) if (!files.has(file)) files.set(file, files.size)
  return diagnostics.toSorted(
    (a, b) =>
      (files.get(a.file ?? '') ?? 0) - (files.get(b.file ?? '') ?? 0) ||
      (a.position?.line ?? 0) - (b.position?.line ?? 0) ||
      (a.position?.column ?? 0) - (b.position?.column ?? 0),
  )
}

function diagnosticAt(object: ManifestObject, finding: Finding): Diagnostic {
  const { severity, code, message, path, hint } = finding
  return {
    severity,
    code,
    message,
    path,
    file: object.file,
    document: object.document,
    position: object.locate(path),
    ...(hint === undefined ? {} : { hint }),
  }
}

function repeated(
  objects: readonly ManifestObject[],
  last: ReadonlyMap<string, ManifestObject>,
): readonly Diagnostic[] {
  if (last.size === objects.length) return []
  return objects.flatMap(object => {
    const winner = last.get(identity(object))
    // Objects without a name get one of their own when they are made.
    if (winner === object || winner === undefined || object.name === '') return []
    const place = `${winner.file}:${winner.locate(['metadata', 'name']).line}`
    const message = `${object.kind} ${object.name} is defined again at ${place}, which replaces this one`
    return [diagnosticAt(object, { severity: 'warning', code: 'DuplicateObject', message, path: ['metadata', 'name'] })]
  })
}

/** A pod spec in an object, and what it will be labelled. */
interface PodPlace {
  readonly path: FieldPath
  readonly spec: V1PodSpec
  readonly labels: Readonly<Record<string, string>>
}

const templatePaths: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  Deployment: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
}

function podOf(object: ManifestObject): PodPlace | undefined {
  const path = templatePaths[object.kind]
  if (path === undefined) return undefined
  let value: unknown = object.value
  for (const step of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined
  const template = value as V1PodTemplateSpec | undefined
  if (template?.spec === undefined) return undefined
  return { path: [...path, 'spec'], spec: template.spec, labels: template.metadata?.labels ?? {} }
}

function dangling(objects: readonly ManifestObject[], rejected: readonly RejectedObject[]): readonly Diagnostic[] {
  const defined = new Set(objects.map(object => `${object.kind}/${object.namespace}/${object.name}`))
  return objects.flatMap(object => {
    const pod = podOf(object)
    if (pod === undefined) return []
    const claims = object.kind === 'StatefulSet' ? claimTemplatesOf(object) : []
    return referencesOf(pod.spec)
      .filter(({ kind, name, optional }) => {
        // Each namespace has the certificate's ConfigMap without anybody's doing.
        const isBuiltIn = kind === 'ConfigMap' && name === 'kube-root-ca.crt'
        const isOwn = isBuiltIn || (kind === 'PersistentVolumeClaim' && claims.includes(name))
        if (optional || isOwn || defined.has(`${kind}/${object.namespace}/${name}`)) return false
        return !isRejected(rejected, { kind, namespace: object.namespace, name })
      })
      .map(({ kind, name, path }) => {
        const message = `no ${kind} ${JSON.stringify(name)} is defined here in namespace ${object.namespace}`
        return diagnosticAt(object, notice([...pod.path, ...path], 'ReferenceNotFound', message))
      })
  })
}

function claimTemplatesOf(object: ManifestObject): readonly string[] {
  const spec: unknown = Reflect.get(object.value, 'spec')
  const templates: unknown = typeof spec === 'object' && spec !== null ? Reflect.get(spec, 'volumeClaimTemplates') : []
  return ((templates ?? []) as readonly { metadata?: { name?: string } }[]).map(claim => claim.metadata?.name ?? '')
}

/** Services whose selector picks no pod; a set without pods says nothing about that. */
function idleServices(objects: readonly ManifestObject[], rejected: readonly RejectedObject[]): readonly Diagnostic[] {
  // Pods that it selects may be among those.
  if (rejected.some(({ kind }) => kind === undefined || Object.hasOwn(templatePaths, kind))) return []
  const pods = objects.flatMap(object => {
    const pod = podOf(object)
    return pod === undefined ? [] : [{ namespace: object.namespace, labels: pod.labels }]
  })
  if (pods.length === 0) return []
  return objects.flatMap(object => {
    if (object.kind !== 'Service') return []
    const wanted = Object.entries((object.value as V1Service).spec?.selector ?? {})
    if (wanted.length === 0) return []
    const selects = (pod: (typeof pods)[number]): boolean =>
      pod.namespace === object.namespace && wanted.every(([key, value]) => pod.labels[key] === value)
    if (pods.some(selects)) return []
    const labels = wanted.map(([key, value]) => `${key}=${value}`).join(',')
    const message = `no pod that is defined here has the labels ${labels}`
    return [diagnosticAt(object, notice(['spec', 'selector'], 'SelectorMatchesNothing', message))]
  })
}
