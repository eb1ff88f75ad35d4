/** Tells what `kube` will not do with an object: nothing is silently ignored. */
import type { FieldPath, Severity } from '../diagnostic.ts'
import { type Finding, notice, warning } from './finding.ts'
import { type KindInfo, validatorName } from './kinds.ts'
import { valueAt } from './schema.ts'
import type { SupportMark } from './support/marks.ts'
import type { KubernetesObject } from './types.ts'
import { loadValidator } from './validators.ts'

/** Errors for refused fields, notices for accepted ones; one finding for a kind that is not run at all. */
export async function checkSupport(
  info: KindInfo,
  object: KubernetesObject,
  refusals: Severity,
): Promise<readonly Finding[]> {
  if (info.disposition === 'accepted')
    return [notice(['kind'], 'KindAccepted', `${info.kind} is checked and otherwise not acted on: ${info.reason}`)]
  if (info.disposition === 'notYetRun')
    return [warning(['kind'], 'KindNotRun', `kube does not act on a ${info.kind} yet: ${info.reason}`)]
  const findings: Finding[] = []
  await collect(validatorName(info), object, [], findings)
  return findings.map(finding => (finding.severity === 'error' ? { ...finding, severity: refusals } : finding))
}

async function collect(module: string, value: unknown, at: FieldPath, findings: Finding[]): Promise<void> {
  const validator = await loadValidator(module)
  for (const mark of validator.marks)
    for (const path of placesOf(mark.path, value, 0)) findings.push(findingOf(mark, [...at, ...path]))
  for (const part of validator.parts) {
    const inner = valueAt(value, part.path)
    if (inner !== undefined) await collect(part.module, inner, [...at, ...part.path], findings)
  }
}

function findingOf({ state, reason }: SupportMark, path: FieldPath): Finding {
  if (state === 'accepted')
    return { ...notice(path, 'FieldAccepted', `accepted without effect: ${reason}`), atKey: true }
  return { severity: 'error', code: 'FieldNotSupported', message: `Not supported: ${reason}`, path, atKey: true }
}

/** Where a marked path leads to something; an empty list or object asks for nothing. */
function placesOf(path: readonly string[], value: unknown, depth: number): readonly FieldPath[] {
  if (value === undefined || value === null) return []
  const step = path[depth]
  if (step === undefined) return isEmpty(value) ? [] : [[]]
  if (typeof value !== 'object') return []
  const children =
    step === '*' ? entriesOf(value) : Object.hasOwn(value, step) ? [[step, Reflect.get(value, step)]] : []
  return (children as readonly (readonly [string | number, unknown])[]).flatMap(([key, child]) =>
    placesOf(path, child, depth + 1).map(rest => [key, ...rest]),
  )
}

function entriesOf(value: object): readonly (readonly [string | number, unknown])[] {
  return Array.isArray(value) ? value.map((item, index) => [index, item] as const) : Object.entries(value)
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
