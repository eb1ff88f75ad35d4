/** A container's variables as its manifest gives them: `envFrom`, then `env`, with ConfigMaps and Secrets looked up. */
import type { V1Container, V1EnvFromSource, V1EnvVar } from '@kubernetes/client-node'
import type { FieldPath } from '../diagnostic.ts'
import { type Finding, notice } from '../manifest/finding.ts'
import type { PodContext, PodSource } from './context.ts'
import { contentText, type KeyContents } from './key-content.ts'
import { configMapFiles, secretFiles } from './lookup.ts'
import type { EnvPlan, EnvSource } from './types.ts'
import { missing, missingKey } from './volume-files.ts'

export interface EnvResult {
  readonly env: readonly EnvPlan[]
  readonly findings: readonly Finding[]
}

const NOTHING: EnvResult = { env: [], findings: [] }

/** `path` is the container's own. */
export function planEnv(container: V1Container, pod: PodSource, context: PodContext, path: FieldPath): EnvResult {
  const results = [
    ...(container.envFrom ?? []).map((from, index) => planEnvFrom(from, pod, context, [...path, 'envFrom', index])),
    ...(container.env ?? []).map((variable, index) =>
      planVariable(variable, container, pod, context, [...path, 'env', index]),
    ),
  ]
  return { env: results.flatMap(result => result.env), findings: results.flatMap(result => result.findings) }
}

function planEnvFrom(from: V1EnvFromSource, pod: PodSource, context: PodContext, path: FieldPath): EnvResult {
  if (from.configMapRef) {
    const { name = '', optional } = from.configMapRef
    const configMap = context.find('ConfigMap', pod.namespace, name)
    // Binary data cannot be a variable. Source: k8s.io/kubernetes/pkg/kubelet/kubelet_pods.go.
    if (configMap) return wholeObject(configMap.data ?? {}, 'ConfigMap', name, from.prefix, path)
    return optional === true
      ? NOTHING
      : { env: [], findings: [missing([...path, 'configMapRef', 'name'], 'configmap', name)] }
  }
  if (from.secretRef) {
    const { name = '', optional } = from.secretRef
    const secret = context.find('Secret', pod.namespace, name)
    if (secret) {
      const data = Object.entries(secretFiles(secret)).map(([key, content]) => [key, contentText(content)])
      return wholeObject(Object.fromEntries(data), 'Secret', name, from.prefix, path)
    }
    return optional === true
      ? NOTHING
      : { env: [], findings: [missing([...path, 'secretRef', 'name'], 'secret', name)] }
  }
  return NOTHING
}

function wholeObject(
  data: Readonly<Record<string, string>>,
  kind: EnvSource['kind'],
  name: string,
  prefix: string | undefined,
  path: FieldPath,
): EnvResult {
  const env: EnvPlan[] = []
  const findings: Finding[] = []
  for (const key of Object.keys(data).toSorted()) {
    const variable = `${prefix ?? ''}${key}`
    if (data[key]!.includes('\0')) findings.push(skipped(path, kind, name, key))
    else env.push({ name: variable, text: data[key]!, source: { kind, name, key } })
  }
  return { env, findings }
}

function skipped(path: FieldPath, kind: EnvSource['kind'], name: string, key: string): Finding {
  return notice(
    path,
    'EnvValueSkipped',
    `key ${key} of ${kind} ${name} holds a NUL byte, which no variable can: it is left out`,
  )
}

function planVariable(
  variable: V1EnvVar,
  container: V1Container,
  pod: PodSource,
  context: PodContext,
  path: FieldPath,
): EnvResult {
  const { name, valueFrom } = variable
  if (variable.value || !valueFrom) return { env: [{ name, value: variable.value ?? '' }], findings: [] }
  const at = [...path, 'valueFrom']
  if (valueFrom.fieldRef) return { env: [{ name, field: valueFrom.fieldRef.fieldPath }], findings: [] }
  if (valueFrom.resourceFieldRef) {
    const { containerName, resource, divisor } = valueFrom.resourceFieldRef
    const ref = { container: containerName || container.name, resource, divisor: divisor ?? '0' }
    return { env: [{ name, resource: ref }], findings: [] }
  }
  if (valueFrom.configMapKeyRef) {
    const ref = valueFrom.configMapKeyRef
    const configMap = context.find('ConfigMap', pod.namespace, ref.name ?? '')
    return oneKey(name, ref, 'ConfigMap', configMap && configMapFiles(configMap), [...at, 'configMapKeyRef'])
  }
  if (valueFrom.secretKeyRef) {
    const ref = valueFrom.secretKeyRef
    const secret = context.find('Secret', pod.namespace, ref.name ?? '')
    return oneKey(name, ref, 'Secret', secret && secretFiles(secret), [...at, 'secretKeyRef'])
  }
  if (valueFrom.fileKeyRef) {
    const { volumeName: volume, path: file, key, optional } = valueFrom.fileKeyRef
    return { env: [{ name, file: { volume, path: file, key, optional: optional === true } }], findings: [] }
  }
  return NOTHING
}

interface KeyRef {
  readonly name?: string
  readonly key: string
  readonly optional?: boolean
}

function oneKey(
  variable: string,
  ref: KeyRef,
  kind: EnvSource['kind'],
  data: KeyContents | undefined,
  path: FieldPath,
): EnvResult {
  const { name = '', key, optional } = ref
  const content = data?.[key]
  if (content !== undefined) {
    return { env: [{ name: variable, text: contentText(content), source: { kind, name, key } }], findings: [] }
  }
  if (optional === true) return NOTHING
  const lower = kind === 'ConfigMap' ? 'configmap' : 'secret'
  const finding = data ? missingKey([...path, 'key'], kind, name, key) : missing([...path, 'name'], lower, name)
  return { env: [], findings: [finding] }
}
