/** Texts to objects: every document parsed, checked and placed; all findings at once. */
import { type Diagnostic, type FieldPath, KubeError, type Position } from '../diagnostic.ts'
import { checkRules } from './check-rules.ts'
import { checkSet } from './check-set.ts'
import { checkSupport } from './check-support.ts'
import { LineIndex, readSlice, type Slice, splitDocuments, type YamlDocument } from './document.ts'
import { type Finding, quote } from './finding.ts'
import { checkHeader, type KnownHeader } from './header.ts'
import { type KindInfo, knownKinds } from './kinds.ts'
import { dropNulls } from './nulls.ts'
import type { RejectedObject } from './rejected.ts'
import { checkDnsLabel } from './rules/names.ts'
import { checkSchema, valueAt } from './schema.ts'
import type { KubernetesObject, ManifestObject, ManifestText, ReadResult } from './types.ts'

export interface ReadOptions {
  /** The namespace of `-n`: of objects that name none. Default, also for an empty one: `default`. */
  readonly namespace?: string
  /** Makes an unknown kind a warning. */
  readonly skipUnknown?: boolean
  /** What a refused field is: an error (the default), or a warning where only the API server's judgement counts. */
  readonly refusals?: 'error' | 'warning'
}

/** Reads and checks the texts. Never throws for what they hold; only (`Usage`) for options that are none. */
export async function readManifests(texts: readonly ManifestText[], options: ReadOptions = {}): Promise<ReadResult> {
  const { namespace } = options
  const [fault] = namespace ? checkDnsLabel(namespace) : []
  // Like that of an object, it becomes the name of a directory.
  if (fault !== undefined) throw new KubeError('Usage', `namespace ${quote(namespace)}: ${fault}`, { exitStatus: 2 })
  const results: ReadResult[] = []
  for (const text of texts) {
    const lines = new LineIndex(text.text)
    let document = 0
    for (const slice of splitDocuments(text.text)) {
      const composed = readSlice(slice)
      for (const [index, yaml] of composed.entries()) {
        if (yaml.value === null && yaml.findings.length === 0) continue
        const source: Source = { file: text.name, document: document++, lines, slice, index, yaml }
        results.push(await readDocument(source, options))
      }
    }
  }
  return checkSet({
    objects: results.flatMap(result => result.objects),
    rejected: results.flatMap(result => result.rejected),
    diagnostics: results.flatMap(result => result.diagnostics),
  })
}

/** A composed document and the way back to its text. */
interface Source {
  readonly file: string
  readonly document: number
  readonly lines: LineIndex
  readonly slice: Slice
  /** Which of the slice's documents it is. */
  readonly index: number
  readonly yaml: YamlDocument
}

function diagnosticOf(source: Source, finding: Finding, at: FieldPath): Diagnostic {
  const { severity, code, message, hint } = finding
  const path = [...at, ...(finding.at ?? finding.path)]
  const offset = finding.atKey === true ? source.yaml.keyOffsetOf(path) : source.yaml.offsetOf(path)
  return {
    severity,
    code,
    message,
    path: finding.path,
    ...(hint === undefined ? {} : { hint }),
    ...(finding.isSecret === true ? { isSecret: true } : {}),
    file: source.file,
    document: source.document,
    position: source.lines.positionOf(source.slice.offset + offset),
  }
}

async function readDocument(source: Source, options: ReadOptions): Promise<ReadResult> {
  const { yaml } = source
  const hint =
    yaml.findings.length > 0 && isTemplate(source.slice.text)
      ? { hint: 'this looks like a template: render it first, as with `helm template`' }
      : {}
  const diagnostics: Diagnostic[] = yaml.findings.map(finding => ({
    severity: 'error',
    code: finding.code,
    message: finding.message,
    path: [],
    ...hint,
    file: source.file,
    document: source.document,
    position: source.lines.positionOf(source.slice.offset + finding.offset),
  }))
  if (yaml.value === undefined) return { objects: [], rejected: [{}], diagnostics }
  const value = yaml.hasNulls ? dropNulls(yaml.value) : yaml.value
  const objects: ManifestObject[] = []
  const rejected: RejectedObject[] = []
  for (const entry of flattenLists(value, [])) {
    const result = await readObject(entry.value, entry.at, { source, options })
    for (const finding of result.findings) diagnostics.push(diagnosticOf(source, finding, entry.at))
    const errors = result.findings.filter(finding => finding.severity === 'error')
    const isGood = yaml.findings.length === 0 && errors.length === 0
    if (!isGood) rejected.push(...rejectionOf(result, errors))
    else if (result.object !== undefined) objects.push(result.object)
  }
  return { objects, rejected, diagnostics: diagnostics.toSorted(byPosition) }
}

/** A kind that kube does not know is none that pods refer to; the set may define it, so that it is no error at all. */
function rejectionOf({ object }: ReadObject, errors: readonly Finding[]): readonly RejectedObject[] {
  if (object === undefined) return errors.some(({ code }) => code === 'UnknownKind') ? [] : [{}]
  const { kind, namespace, name } = object
  return [{ kind, namespace, ...(name === '' ? {} : { name }) }]
}

/** Whether Go templates (Helm) or Jinja have something to do yet. Expressions in quotes are YAML as well as not. */
function isTemplate(text: string): boolean {
  return /\{\{[^{}\n]*\}\}|^[ \t]*\{%/m.test(text)
}

function byPosition(a: Diagnostic, b: Diagnostic): number {
  const lines = (a.position?.line ?? 0) - (b.position?.line ?? 0)
  return lines === 0 ? (a.position?.column ?? 0) - (b.position?.column ?? 0) : lines
}

interface Entry {
  readonly value: unknown
  /** Where the object stands in its document: empty, or inside a list. */
  readonly at: FieldPath
}

/** A `v1 List` (or `PodList`, ...) is its items. */
function flattenLists(value: unknown, at: FieldPath): readonly Entry[] {
  if (at.length > 16 || typeof value !== 'object' || value === null) return [{ value, at }]
  const kind: unknown = Reflect.get(value, 'kind')
  const items: unknown = Reflect.get(value, 'items')
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) return [{ value, at }]
  const apiVersion: unknown = Reflect.get(value, 'apiVersion')
  const itemKind = kind.slice(0, -'List'.length)
  const typed = knownKinds.some(info => info.kind === itemKind)
  if (kind !== 'List' && !typed) return [{ value, at }]
  return items.flatMap((item, index) => {
    // Items of a typed list leave out what the list says.
    const isObject = typed && typeof item === 'object' && item !== null
    const full = isObject && !('kind' in item) ? { apiVersion, kind: itemKind, ...item } : item
    return flattenLists(full, [...at, 'items', index])
  })
}

interface Reading {
  readonly source: Source
  readonly options: ReadOptions
}

interface ReadObject {
  readonly object?: ManifestObject
  readonly findings: readonly Finding[]
}

async function readObject(value: unknown, at: FieldPath, { source, options }: Reading): Promise<ReadObject> {
  const header = checkHeader(value, options.skipUnknown === true)
  if (header.info === undefined) return { findings: header.findings }
  const { info, object } = header
  const shape = await checkSchema(info, object, path => source.yaml.sourceOf([...at, ...path]))
  const findings = [
    ...shape,
    ...checkRules(info, object, shape),
    ...(await checkSupport(info, object, options.refusals ?? 'error')),
  ]
  const told = unique(info.kind === 'Secret' ? withoutSecrets(findings, object) : findings)
  return { object: manifestObject(header, at, { source, options }), findings: told }
}

/** What a Secret holds is not told, not even where it is wrong. */
function withoutSecrets(findings: readonly Finding[], object: KubernetesObject): readonly Finding[] {
  return findings.map(finding => {
    const [root] = finding.at ?? finding.path
    if ((root !== 'data' && root !== 'stringData') || finding.atKey === true) return finding
    const { hint: _hint, ...rest } = finding
    const shown = `Invalid value: ${quote(valueAt(object, finding.path))}: `
    const message = finding.message.startsWith(shown)
      ? `Invalid value: "<redacted>": ${finding.message.slice(shown.length).replace(/number \S+ into/, 'number into')}`
      : finding.message
    const isQuotable = finding.code === 'FieldValueTypeInvalid'
    return { ...rest, message, isSecret: true, ...(isQuotable ? { hint: 'quote it' } : {}) }
  })
}

/** The schema and the rules may find the same thing: it is told once, by who says more. */
function unique(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length < 2) return findings
  const byKey = new Map<string, Finding>()
  for (const finding of findings) {
    const isRequired = finding.code === 'FieldValueRequired'
    const key = `${finding.code} ${JSON.stringify(finding.path)} ${isRequired ? '' : finding.message}`
    const known = byKey.get(key)
    if (known === undefined || known.message.length < finding.message.length) byKey.set(key, finding)
  }
  return [...byKey.values()]
}

function manifestObject(header: KnownHeader, at: FieldPath, { source, options }: Reading): ManifestObject {
  const { info, object } = header
  const { slice, index, lines } = source
  return {
    kind: info.kind,
    apiVersion: info.apiVersion,
    namespace: namespaceOf(info, object, options),
    name: object.metadata.name ?? '',
    value: object,
    file: source.file,
    document: source.document,
    locate: path => locateIn(slice, index, lines, [...at, ...path]),
  }
}

function namespaceOf(info: KindInfo, object: KubernetesObject, options: ReadOptions): string {
  if (!info.namespaced) return ''
  return object.metadata.namespace || options.namespace || 'default'
}

let lastComposed: { readonly slice: Slice; readonly documents: readonly YamlDocument[] } | undefined

/** Composes the document again: keeping the nodes of thousands would cost more than the few look-ups do. */
function locateIn(slice: Slice, index: number, lines: LineIndex, path: FieldPath): Position {
  if (lastComposed?.slice !== slice) lastComposed = { slice, documents: readSlice(slice) }
  const offset = lastComposed.documents[index]?.offsetOf(path) ?? 0
  return lines.positionOf(slice.offset + offset)
}
