/** Object metadata. Source: k8s.io/apimachinery/pkg/api/validation/objectmeta.go. */
import type { V1ObjectMeta, V1OwnerReference } from '@kubernetes/client-node'
import type { FieldPath } from '../../diagnostic.ts'
import { invalid, required, tooLong } from '../finding.ts'
import { checkForm, checkNotNegative, entriesAt, type Findings } from './check.ts'
import { checkDnsLabel, checkLabelValue, checkQualifiedName, type NameCheck } from './names.ts'

const maxAnnotationBytes = 256 * 1024

/** The metadata of an object; `form` is what the kind asks of its names. */
export function* checkMetadata(meta: V1ObjectMeta, form: NameCheck, isNamespaced: boolean): Findings {
  const path = ['metadata']
  if (meta.generateName !== undefined && meta.generateName !== '') {
    // A generated name goes on after the prefix: it may end in what a name may not.
    const prefix = meta.generateName.replace(/-$/, 'a')
    for (const message of form(prefix)) yield invalid([...path, 'generateName'], meta.generateName, message)
  }
  if (meta.name !== undefined && meta.name !== '') yield* checkForm([...path, 'name'], meta.name, form)
  else if (meta.generateName === undefined || meta.generateName === '')
    yield required([...path, 'name'], 'name or generateName is required')
  if (isNamespaced && meta.namespace !== undefined && meta.namespace !== '')
    yield* checkForm([...path, 'namespace'], meta.namespace, checkDnsLabel)
  yield* checkNotNegative([...path, 'generation'], meta.generation)
  yield* checkLabels([...path, 'labels'], meta.labels)
  yield* checkAnnotations([...path, 'annotations'], meta.annotations)
  yield* checkOwners([...path, 'ownerReferences'], meta.ownerReferences)
  for (const [at, finalizer] of entriesAt([...path, 'finalizers'], meta.finalizers))
    yield* checkFinalizer(at, finalizer)
}

export function* checkLabels(path: FieldPath, labels: Readonly<Record<string, string>> | undefined): Findings {
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const message of checkQualifiedName(key))
      yield { ...invalid(path, key, message), at: [...path, key], atKey: true }
    for (const message of checkLabelValue(value)) yield { ...invalid(path, value, message), at: [...path, key] }
  }
}

export function* checkAnnotations(
  path: FieldPath,
  annotations: Readonly<Record<string, string>> | undefined,
): Findings {
  let size = 0
  for (const [key, value] of Object.entries(annotations ?? {})) {
    // Annotation keys may have upper case in their prefix.
    for (const message of checkQualifiedName(key.toLowerCase()))
      yield { ...invalid(path, key, message), at: [...path, key], atKey: true }
    size += key.length + value.length
  }
  if (size > maxAnnotationBytes) yield tooLong(path, maxAnnotationBytes)
}

function* checkOwners(path: FieldPath, owners: readonly V1OwnerReference[] | undefined): Findings {
  const controllers: string[] = []
  for (const [at, owner] of entriesAt(path, owners)) {
    if (owner.apiVersion === '') yield invalid([...at, 'apiVersion'], owner.apiVersion, 'version must not be empty')
    if (owner.kind === '') yield invalid([...at, 'kind'], owner.kind, 'must not be empty')
    if (owner.name === '') yield invalid([...at, 'name'], owner.name, 'must not be empty')
    if (owner.uid === '') yield invalid([...at, 'uid'], owner.uid, 'must not be empty')
    if (owner.controller === true) controllers.push(owner.name ?? '')
  }
  if (controllers.length > 1) {
    const names = `${controllers[0]} and ${controllers[1]}`
    const detail = `Only one reference can have Controller set to true. Found "true" in references for ${names}`
    yield invalid(path, controllers, detail)
  }
}

const standardFinalizers = new Set(['kubernetes', 'orphan', 'foregroundDeletion'])

function* checkFinalizer(path: FieldPath, finalizer: string): Findings {
  for (const message of checkQualifiedName(finalizer)) yield invalid(path, finalizer, message)
  if (!finalizer.includes('/') && !standardFinalizers.has(finalizer))
    yield invalid(path, finalizer, 'name is neither a standard finalizer name nor is it fully qualified')
}
