/** Reads the models of the installed @kubernetes/client-node: names, types, formats, required fields and documentation. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as client from '@kubernetes/client-node'

export interface ModelField {
  readonly name: string
  /** As client-node writes it: `string`, `Array<V1Volume>`, `{ [key: string]: string; }`, `IntOrString`. */
  readonly type: string
  /** `int32`, `int64`, `date-time`, `byte`, `int-or-string`, ... or empty. */
  readonly format: string
  readonly required: boolean
  /** One line of plain text; empty where client-node has none. */
  readonly description: string
}

export interface Model {
  readonly name: string
  readonly description: string
  readonly fields: readonly ModelField[]
}

interface Attribute {
  /** The property in TypeScript: `_from` where the field is `from`. */
  readonly name: string
  readonly baseName: string
  readonly type: string
  readonly format: string
}

const modelFolder = new URL('gen/models/', import.meta.resolve('@kubernetes/client-node'))

function isModelClass(value: unknown): value is { getAttributeTypeMap(): readonly Attribute[] } {
  return typeof value === 'function' && 'getAttributeTypeMap' in value
}

/** The model of that name. Throws when client-node has none. */
export function readModel(name: string): Model {
  const model: unknown = Reflect.get(client, name)
  if (!isModelClass(model)) throw new Error(`@kubernetes/client-node has no model ${name}`)
  const source = readFileSync(new URL(`${name}.d.ts`, modelFolder), 'utf8')
  const documented = new Map<string, { required: boolean; description: string }>()
  const property = /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?'([^'\n]+)'(\?)?: /g
  for (const [, comment, field, optional] of source.matchAll(property))
    documented.set(field ?? '', { required: optional === undefined, description: plain(comment ?? '') })
  const head = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export declare class/.exec(source)
  const fields = model.getAttributeTypeMap().map(attribute => ({
    name: attribute.baseName,
    type: attribute.type,
    format: attribute.format,
    required: documented.get(attribute.name)?.required ?? false,
    description: documented.get(attribute.name)?.description ?? '',
  }))
  return { name, description: plain(head?.[1] ?? ''), fields }
}

/** The Kubernetes release the models were made from, e.g. `release-1.36`. */
export function modelRelease(): string {
  const source = readFileSync(fileURLToPath(new URL('V1Pod.d.ts', modelFolder)), 'utf8')
  return /spec version: (\S+)/.exec(source)?.[1] ?? 'unknown'
}

function plain(comment: string): string {
  return comment
    .replace(/^\s*\* ?/gm, '')
    .replace(/\\(['"])/g, '$1')
    .replace(/\s+/g, ' ')
    .trim()
}
