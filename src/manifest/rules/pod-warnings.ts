/** What is right in a pod but hardly meant. Source of most: k8s.io/kubernetes/pkg/api/pod/warnings.go. */
import type { V1Container, V1ObjectMeta, V1PodSpec } from '@kubernetes/client-node'
import type { FieldPath } from '../../diagnostic.ts'
import { type Finding, warning } from '../finding.ts'
import { entriesAt, type Findings } from './check.ts'

interface Template {
  readonly metadata?: V1ObjectMeta
  readonly spec?: V1PodSpec
}

/** `at` is where the pod or its template stands. */
export function* warnOfPod(at: FieldPath, { metadata, spec }: Template): Findings {
  yield* warnOfAnnotations([...at, 'metadata', 'annotations'], metadata?.annotations)
  for (const list of ['initContainers', 'containers'] as const)
    for (const [containerAt, container] of entriesAt([...at, 'spec', list], spec?.[list])) {
      yield* warnOfVariables(containerAt, container)
      yield* warnOfMountPaths(containerAt, container)
    }
}

/** Annotations that were fields' forerunners, with the field that replaced them. */
const forerunners: readonly (readonly [prefix: string, detail: string])[] = [
  ['seccomp.security.alpha.kubernetes.io/pod', 'non-functional in v1.27+; use the "seccompProfile" field instead'],
  [
    'container.seccomp.security.alpha.kubernetes.io/',
    'non-functional in v1.27+; use the "seccompProfile" field instead',
  ],
  [
    'container.apparmor.security.beta.kubernetes.io/',
    'deprecated since v1.30; kube reads the "appArmorProfile" field only',
  ],
]

function* warnOfAnnotations(path: FieldPath, annotations: Readonly<Record<string, string>> | undefined): Findings {
  for (const key of Object.keys(annotations ?? {})) {
    const [, detail] = forerunners.find(([prefix]) => key.startsWith(prefix)) ?? []
    if (detail !== undefined) yield atKey(warning([...path, key], 'AnnotationObsolete', detail))
  }
}

function* warnOfVariables(at: FieldPath, { env }: V1Container): Findings {
  const seen = new Set<string>()
  for (const [envAt, { name }] of entriesAt([...at, 'env'], env)) {
    if (name === undefined) continue
    if (seen.has(name)) yield warning(envAt, 'EnvNameTwice', `hides previous definition of ${JSON.stringify(name)}`)
    seen.add(name)
  }
}

/** `podman run -v` takes options after a colon; here they are part of the path. */
function* warnOfMountPaths(at: FieldPath, { volumeMounts }: V1Container): Findings {
  for (const [mountAt, { mountPath }] of entriesAt([...at, 'volumeMounts'], volumeMounts)) {
    const options = /:[a-zA-Z,]+$/.exec(mountPath ?? '')?.[0]
    if (options === undefined) continue
    const path = [...mountAt, 'mountPath']
    const message = `${JSON.stringify(options)} is part of the path: a mountPath has no options`
    yield warning(path, 'MountPathColon', message, 'readOnly, mountPropagation and subPath are fields of their own')
  }
}

function atKey(finding: Finding): Finding {
  return { ...finding, atKey: true }
}
