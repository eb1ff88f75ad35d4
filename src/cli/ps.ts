/** `kube ps`: containers as the engine sees them. */

import { observePod } from '../engine/observe.ts'
import type { PodRecord } from '../engine/ports.ts'
import type { MemberRole, PortPlan } from '../plan/types.ts'
import { labelFilter } from '../status/selector.ts'
import type { WireObject } from '../status/wire.ts'
import type { Context } from './context.ts'
import type { RealHost } from './host.ts'
import { age, table } from './render.ts'

export interface PsOptions {
  readonly all?: boolean
  readonly namespace?: string
  readonly selector?: string
  readonly output?: string
  readonly quiet?: boolean
  readonly trunc?: boolean
  readonly headers?: boolean
}

export interface ContainerRow {
  readonly id: string
  readonly namespace: string
  readonly pod: string
  readonly podUid: string
  readonly container: string
  readonly role: 'infra' | MemberRole
  readonly image: string
  readonly state: string
  readonly exitCode?: number
  readonly pid?: number
  readonly createdAt?: string
  readonly startedAt?: string
  readonly finishedAt?: string
  readonly restarts: number
  readonly ports: readonly PortPlan[]
  readonly app: string
}

export async function runPs(_args: [], options: PsOptions, context: Context): Promise<number> {
  const { io } = context
  const host = await context.host()
  const rows = containerRows(host, options).filter(row => options.all || row.state === 'running')
  if (options.output === 'json') io.out(`${JSON.stringify(rows, null, 2)}\n`)
  else if (options.quiet) for (const row of rows) io.out(`${idText(row.id, options)}\n`)
  else io.out(rowsTable(rows, options, Date.parse(host.now())))
  return 0
}

/** Every member of the pods that are asked for. */
export function containerRows(
  host: RealHost,
  options: Pick<PsOptions, 'namespace' | 'selector'>,
): readonly ContainerRow[] {
  host.lookAfterPods()
  const matches = labelFilter(options.selector ?? '')
  return host.state
    .pods()
    .filter(({ plan }) => options.namespace === undefined || plan.namespace === options.namespace)
    .filter(({ plan }) => matches(plan.pod as unknown as WireObject))
    .flatMap(record => rowsOf(host, record))
}

function rowsOf(host: RealHost, record: PodRecord): readonly ContainerRow[] {
  const observed = observePod(host, record)
  const { plan } = record
  return plan.members.map(member => {
    const now = observed.containers[member.name]
    const known = record.containers[member.name]
    const pid = now?.state === 'running' ? Number.parseInt(known?.process ?? '', 10) : undefined
    return {
      id: now?.id ?? '',
      namespace: plan.namespace,
      pod: plan.name,
      podUid: record.uid,
      container: member.name,
      role: member.role,
      image: member.image,
      state: now?.state ?? 'absent',
      ...(now?.exitCode === undefined ? {} : { exitCode: now.exitCode }),
      ...(pid === undefined ? {} : { pid }),
      ...(known === undefined ? {} : { createdAt: known.createdAt }),
      ...(known?.startedAt === undefined ? {} : { startedAt: known.startedAt }),
      ...(now?.finishedAt === undefined ? {} : { finishedAt: now.finishedAt }),
      restarts: known?.attempt ?? 0,
      ports: plan.ports.filter(port => port.container === member.name),
      app: record.app,
    }
  })
}

function rowsTable(rows: readonly ContainerRow[], options: PsOptions, nowMs: number): string {
  const cells = rows.map(row => [
    idText(row.id, options),
    row.namespace,
    row.pod,
    row.container,
    row.image,
    stateText(row, nowMs),
    row.ports.map(portText).join(', '),
    row.app,
  ])
  const header = ['CONTAINER ID', 'NAMESPACE', 'POD', 'CONTAINER', 'IMAGE', 'STATUS', 'PORTS', 'APP']
  return table(header, cells, { header: options.headers !== false })
}

function idText(id: string, options: PsOptions): string {
  return options.trunc === false ? id : id.slice(0, 12)
}

/** `Up 3m`, `Exited (1) 5s ago`. */
function stateText(row: ContainerRow, nowMs: number): string {
  const since = (time: string | undefined) => (time === undefined ? '' : age(Date.parse(time), nowMs))
  if (row.state === 'running') return `Up ${since(row.startedAt)}`
  if (row.state === 'exited') return `Exited (${row.exitCode}) ${since(row.finishedAt)} ago`
  return row.state.charAt(0).toUpperCase() + row.state.slice(1)
}

function portText(port: PortPlan): string {
  const address = port.hostIp === '' ? '0.0.0.0' : port.hostIp
  return `${address}:${port.hostPort}->${port.containerPort}/${port.protocol.toLowerCase()}`
}
