/** Objects as a table or in a format: what `get` and other verbs with `-o` print. */
import { readFileSync } from 'node:fs'
import { KubeError } from '../diagnostic.ts'
import { jsonText } from '../manifest/integer.ts'
import { printYaml } from '../manifest/print.ts'
import type { WireObject } from '../status/wire.ts'
import { type Column, columnsOf } from './columns.ts'
import { renderGoTemplate } from './go-template.ts'
import { findValues, renderTemplate, renderTemplateJson, valueText } from './jsonpath.ts'
import { table } from './render.ts'
import { qualifiedName } from './resources.ts'

export type OutputFormat = { readonly kind: 'table' } | { readonly kind: 'wide' } | TextFormat

/** A format that is not a table of the kind's own columns. */
export type TextFormat =
  | { readonly kind: 'json' | 'yaml' | 'name' }
  | { readonly kind: 'jsonpath' | 'jsonpath-as-json' | 'go-template'; readonly template: string }
  | { readonly kind: 'columns'; readonly columns: readonly CustomColumn[] }

interface CustomColumn {
  readonly title: string
  readonly path: string
}

const FORMATS =
  'json, yaml, wide, name, jsonpath=TEMPLATE, jsonpath-as-json=TEMPLATE, jsonpath-file=FILE, go-template=TEMPLATE, go-template-file=FILE, custom-columns=NAME:PATH,..., custom-columns-file=FILE'

/** Fails with exit status 2 for a format there is not. */
export function parseOutput(text: string | undefined): OutputFormat {
  if (text === undefined || text === '') return { kind: 'table' }
  if (text === 'wide' || text === 'json' || text === 'yaml' || text === 'name') return { kind: text }
  const [name = '', ...rest] = text.split('=')
  const value = rest.join('=')
  if ((name === 'jsonpath' || name === 'jsonpath-as-json') && value !== '') return { kind: name, template: value }
  if (name === 'jsonpath-file' && value !== '') return { kind: 'jsonpath', template: readTemplate(value) }
  if ((name === 'go-template' || name === 'template') && value !== '') return { kind: 'go-template', template: value }
  if ((name === 'go-template-file' || name === 'templatefile') && value !== '')
    return { kind: 'go-template', template: readTemplate(value) }
  if (name === 'custom-columns-file' && value !== '')
    return { kind: 'columns', columns: columnsFile(readTemplate(value)) }
  if (name === 'custom-columns' && value !== '') return { kind: 'columns', columns: customColumns(value) }
  throw new KubeError('Usage', `unable to match a printer to output format ${JSON.stringify(text)}`, {
    exitStatus: 2,
    hint: `formats: ${FORMATS}`,
  })
}

function readTemplate(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new KubeError('Usage', `cannot read template ${path}`, { exitStatus: 2, cause })
  }
}

/** `NAME:.metadata.name,IMAGE:.spec.containers[*].image`. A comma in brackets belongs to the path. */
function customColumns(text: string): readonly CustomColumn[] {
  return text.split(/,(?![^[]*\])/).map(part => {
    const colon = part.indexOf(':')
    if (colon <= 0 || colon === part.length - 1) {
      const message = `unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>`
      throw new KubeError('Usage', message, { exitStatus: 2 })
    }
    return { title: part.slice(0, colon), path: part.slice(colon + 1) }
  })
}

/** The titles on one line, their paths below on another. Source: kubectl, NewCustomColumnsPrinterFromTemplate. */
function columnsFile(text: string): readonly CustomColumn[] {
  const [titles = [], paths = []] = text.split('\n').map(line => line.trim().split(/\s+/))
  if (titles.length !== paths.length || paths[0] === '')
    throw new KubeError('Usage', 'custom-columns-file: expected a line of headers and a line of as many paths', {
      exitStatus: 2,
    })
  return titles.map((title, index) => ({ title, path: paths[index] ?? '' }))
}

/** One object, or a `v1 List` of several, in any format but a table. */
export function formatObjects(format: TextFormat, objects: readonly WireObject[], isList: boolean): string {
  const whole = isList
    ? { apiVersion: 'v1', items: objects, kind: 'List', metadata: { resourceVersion: '' } }
    : objects[0]
  switch (format.kind) {
    case 'json':
      return `${jsonText(whole, 4)}\n`
    case 'yaml':
      return printYaml(whole)
    case 'name':
      return objects.map(object => `${qualifiedName(object)}/${object.metadata.name}\n`).join('')
    case 'jsonpath':
      return renderTemplate(format.template, whole)
    case 'jsonpath-as-json':
      return renderTemplateJson(format.template, whole)
    case 'go-template':
      return renderGoTemplate(format.template, whole)
    case 'columns': {
      const rows = objects.map(object => format.columns.map(({ path }) => cellText(path, object)))
      return table(
        format.columns.map(({ title }) => title),
        rows,
      )
    }
  }
}

function cellText(path: string, object: object): string {
  const values = findValues(path, object)
  return values.length === 0 ? '<none>' : values.map(valueText).join(',')
}

export interface TableOptions {
  readonly isWide: boolean
  readonly withNamespace: boolean
  /** `pod/web` instead of `web`: where kinds are mixed. */
  readonly withKind: boolean
  readonly withHeader: boolean
  readonly withLabels: boolean
  /** Labels that get a column of their own. */
  readonly labelColumns: readonly string[]
  readonly nowMs: number
  /** Which rows are printed, in the columns that all of them need. Default all. */
  readonly isShown?: (object: WireObject) => boolean
}

/** A table of objects of one kind. */
export function objectTable(kind: string, objects: readonly WireObject[], options: TableOptions): string {
  const columns = columnsOf(kind).filter(column => options.isWide || column.isWide !== true)
  const extra: Column[] = options.labelColumns.map(label => ({
    title: (label.split('/').at(-1) ?? label).toUpperCase(),
    cell: object => object.metadata.labels?.[label] ?? '',
  }))
  if (options.withLabels) extra.push({ title: 'LABELS', cell: labelsText })
  const namespace: Column = { title: 'NAMESPACE', cell: object => object.metadata.namespace ?? '' }
  const all = [...(options.withNamespace ? [namespace] : []), ...columns, ...extra]
  const rows = objects.map(object =>
    all.map(column => {
      const text = column.cell(object, options.nowMs)
      return options.withKind && column.title === 'NAME' ? `${qualifiedName(object)}/${text}` : text
    }),
  )
  const header = all.map(({ title }) => title)
  const { isShown, withHeader } = options
  const most = all.map(column => column.most)
  if (isShown === undefined) return table(header, rows, { header: withHeader, most })
  const [head = '', ...lines] = table(header, rows, { most }).split('\n')
  const shown = lines.filter((_, index) => objects[index] !== undefined && isShown(objects[index]))
  return [...(withHeader ? [head] : []), ...shown, ''].join('\n')
}

function labelsText(object: WireObject): string {
  const labels = Object.entries(object.metadata.labels ?? {})
  return labels.length === 0 ? '<none>' : labels.map(([key, value]) => `${key}=${value}`).join(',')
}
