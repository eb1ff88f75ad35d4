/** `kube diff`: what playing the files again would change, as `kubectl diff` shows it. */
import { carryOver } from '../engine/handover.ts'
import { printManifest } from '../manifest/print.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import type { Context } from './context.ts'
import { loadManifests, namedFiles, sourceOf } from './load-manifests.ts'
import { chooseApp, objectKey, type PlayCommandOptions } from './play-once.ts'
import { paint } from './render.ts'
import { unifiedDiff } from './unified-diff.ts'

interface Compared {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly value: object
}

/** 0: nothing would change; 1: something would. */
export async function runDiff(
  [args]: [readonly string[]],
  options: PlayCommandOptions,
  context: Context,
): Promise<number> {
  const files = namedFiles(args, options)
  const host = await context.host()
  const existing = host.state.objects().map(object => object.value as KubernetesObject)
  const { objects } = await loadManifests(files, options, context, existing)
  const app = options.app ?? chooseApp(host, files, objects, sourceOf(files, context.io.cwd))
  const before = new Map(host.state.objects({ app }).map(object => [objectKey(object), object]))
  const after = new Map<string, Compared>(
    objects.map(object => {
      const key = objectKey(object)
      return [key, { ...object, value: carryOver(object.value, before.get(key)) }]
    }),
  )
  let status = 0
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const text = compare(before.get(key), after.get(key))
    if (text === '') continue
    status = 1
    context.io.out(coloured(text, context))
  }
  return status
}

function compare(before: Compared | undefined, after: Compared | undefined): string {
  const [old, fresh] = masked(before?.value, after?.value)
  const hunks = unifiedDiff(yamlOf(old), yamlOf(fresh))
  if (hunks === '') return ''
  const { apiVersion, kind, namespace, name } = (after ?? before)!
  const file = [...apiVersion.split('/'), kind, namespace, name].filter(part => part !== '').join('.')
  const [left, right] = [`LIVE/${file}`, `MERGED/${file}`]
  return `diff -u -N ${left} ${right}\n--- ${left}\n+++ ${right}\n${hunks}`
}

function yamlOf(value: object | undefined): string {
  return value === undefined ? '' : printManifest([value as KubernetesObject])
}

/** Of a Secret only whether a value changes is shown. Source: kubectl pkg/cmd/diff, Masker. */
function masked(
  before: object | undefined,
  after: object | undefined,
): readonly [object | undefined, object | undefined] {
  const kind = (after ?? before) as { readonly kind?: string }
  if (kind.kind !== 'Secret') return [before, after]
  return [hide(before, after, '*** (before)'), hide(after, before, '*** (after)')]
}

type Values = Readonly<Record<string, string>>

function hide(object: object | undefined, other: object | undefined, word: string): object | undefined {
  if (object === undefined) return undefined
  const copy: Record<string, unknown> = { ...object }
  for (const field of ['data', 'stringData']) {
    const values = copy[field] as Values | undefined
    if (!values) continue
    const others = (other as Record<string, Values> | undefined)?.[field] ?? {}
    const entries = Object.entries(values).map(([key, value]) => {
      const isSame = !(key in others) || others[key] === value
      return [key, isSame ? '***' : word]
    })
    copy[field] = Object.fromEntries(entries)
  }
  return copy
}

function coloured(text: string, { io }: Context): string {
  if (!io.colour) return text
  return text
    .split('\n')
    .map(line => {
      if (line.startsWith('+')) return paint(io, 'green', line)
      if (line.startsWith('-')) return paint(io, 'red', line)
      return line.startsWith('@@') ? paint(io, 'cyan', line) : line
    })
    .join('\n')
}
