/** `kube top`: what pods, or the machine, use, as kubectl shows it. */
import { freemem } from 'node:os'
import { KubeError } from '../diagnostic.ts'
import type { Context } from './context.ts'
import { table } from './render.ts'
import { notFound, requireKind, resourceKind } from './resources.ts'
import { type ContainerUsage, measureUsage } from './usage.ts'

export interface TopOptions {
  readonly namespace: string
  readonly allNamespaces?: boolean
  readonly selector?: string
  readonly containers?: boolean
  readonly sortBy?: string
  readonly headers?: boolean
  readonly output?: string
}

export async function runTop(
  [type, name]: [string, string | undefined],
  options: TopOptions,
  context: Context,
): Promise<number> {
  const { kind } = requireKind(type)
  if (kind === 'Node') return topNode(options, context)
  if (kind !== 'Pod') throw new KubeError('Usage', `top is of pods or nodes, not ${type}`, { exitStatus: 2 })
  const host = await context.host()
  const namespace = options.allNamespaces ? {} : { namespace: options.namespace }
  const selector = options.selector === undefined ? {} : { selector: options.selector }
  const measured = await measureUsage(host, { ...namespace, ...selector }, context.signal)
  const chosen = name === undefined ? measured : measured.filter(({ row }) => row.pod === name)
  if (name !== undefined && chosen.length === 0) throw notFound(resourceKind('Pod'), name)
  if (chosen.length === 0) context.io.err(`No resources found in ${options.namespace} namespace.\n`)
  const lines = options.containers ? chosen.map(lineOf) : podLines(chosen)
  print(sortLines(lines, options.sortBy), options, context)
  return 0
}

interface Line {
  readonly namespace: string
  readonly pod: string
  readonly container?: string
  readonly cpu: number
  readonly memoryBytes: number
}

function lineOf({ row, cpu, memoryBytes }: ContainerUsage): Line {
  return { namespace: row.namespace, pod: row.pod, container: row.container, cpu, memoryBytes }
}

function podLines(usages: readonly ContainerUsage[]): readonly Line[] {
  const pods = Map.groupBy(usages, ({ row }) => row.podUid)
  return [...pods.values()].map(members => ({
    namespace: members[0]!.row.namespace,
    pod: members[0]!.row.pod,
    cpu: members.reduce((sum, member) => sum + member.cpu, 0),
    memoryBytes: members.reduce((sum, member) => sum + member.memoryBytes, 0),
  }))
}

function sortLines(lines: readonly Line[], by: string | undefined): readonly Line[] {
  if (by === undefined) return lines
  if (by === 'cpu') return lines.toSorted((a, b) => b.cpu - a.cpu)
  if (by === 'memory') return lines.toSorted((a, b) => b.memoryBytes - a.memoryBytes)
  throw new KubeError('Usage', '--sort-by accepts cpu or memory', { exitStatus: 2 })
}

function print(lines: readonly Line[], options: TopOptions, { io }: Context): void {
  if (options.output === 'json') {
    io.out(`${JSON.stringify(lines, null, 2)}\n`)
    return
  }
  if (lines.length === 0) return
  const header = [
    ...(options.allNamespaces ? ['NAMESPACE'] : []),
    options.containers ? 'POD' : 'NAME',
    ...(options.containers ? ['NAME'] : []),
    'CPU(cores)',
    'MEMORY(bytes)',
  ]
  const rows = lines.map(line => [
    ...(options.allNamespaces ? [line.namespace] : []),
    line.pod,
    ...(options.containers ? [line.container ?? ''] : []),
    cores(line.cpu),
    mebibytes(line.memoryBytes),
  ])
  io.out(table(header, rows, { header: options.headers !== false }))
}

function cores(value: number): string {
  return `${Math.ceil(value * 1000)}m`
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)}Mi`
}

/** The machine's own use: its processors are its load's, so only memory is exact. */
async function topNode(options: TopOptions, context: Context): Promise<number> {
  const host = await context.host()
  const { machine } = host
  const usages = await measureUsage(host, {}, context.signal)
  const cpu = usages.reduce((sum, usage) => sum + usage.cpu, 0)
  const used = machine.memoryBytes - freemem()
  const percent = (part: number) => `${Math.round(part * 100)}%`
  const row = [
    machine.nodeName,
    cores(cpu),
    percent(cpu / machine.cpus),
    mebibytes(used),
    percent(used / machine.memoryBytes),
  ]
  const header = ['NAME', 'CPU(cores)', 'CPU(%)', 'MEMORY(bytes)', 'MEMORY(%)']
  context.io.out(table(header, [row], { header: options.headers !== false }))
  return 0
}
