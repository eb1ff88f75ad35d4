/** `kube stats`: what containers use, over and over. */
import type { Context } from './context.ts'
import { bytes } from './image-words.ts'
import { table } from './render.ts'
import { type ContainerUsage, measureUsage } from './usage.ts'

export interface StatsOptions {
  readonly namespace?: string
  readonly selector?: string
  readonly stream?: boolean
  readonly output?: string
}

/** Takes the place of what the terminal shows. */
const CLEAR = '\u001b[H\u001b[J'

export async function runStats([names]: [readonly string[]], options: StatsOptions, context: Context): Promise<number> {
  const { io, signal } = context
  const host = await context.host()
  const repeats = options.stream !== false && options.output === undefined && io.outIsTerminal
  try {
    do {
      const all = await measureUsage(host, options, signal)
      const usages = names.length === 0 ? all : all.filter(({ row }) => names.some(name => isNamed(row, name)))
      if (options.output === 'json') io.out(`${JSON.stringify(usages.map(jsonOf), null, 2)}\n`)
      else io.out(`${repeats ? CLEAR : ''}${statsTable(usages, host.machine)}`)
    } while (repeats && !signal.aborted)
  } catch (error) {
    // Ctrl-C is how one leaves.
    if (!signal.aborted) throw error
  }
  return 0
}

function isNamed(row: ContainerUsage['row'], name: string): boolean {
  return row.pod === name || `${row.pod}/${row.container}` === name || (name.length >= 4 && row.id.startsWith(name))
}

function jsonOf({ row, ...usage }: ContainerUsage): object {
  const { id, namespace, pod, container } = row
  return { id, namespace, pod, container, ...usage }
}

function statsTable(usages: readonly ContainerUsage[], machine: { readonly memoryBytes: number }): string {
  const rows = usages.map(({ row, cpu, memoryBytes, memoryLimitBytes, processes }) => {
    const limit = memoryLimitBytes ?? machine.memoryBytes
    return [
      row.id.slice(0, 12),
      row.namespace,
      row.pod,
      row.container,
      `${(cpu * 100).toFixed(2)}%`,
      `${bytes(memoryBytes)} / ${bytes(limit)}`,
      `${((memoryBytes / limit) * 100).toFixed(2)}%`,
      String(processes),
    ]
  })
  return table(['CONTAINER ID', 'NAMESPACE', 'POD', 'CONTAINER', 'CPU %', 'MEM USAGE / LIMIT', 'MEM %', 'PIDS'], rows)
}
