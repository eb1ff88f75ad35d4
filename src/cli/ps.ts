/** `kube ps`: pods and their containers, as the engine sees them. */
import { observePod } from '../engine/observe.ts'
import type { Context } from './context.ts'
import { age, table } from './render.ts'

export async function runPs(
  _args: [],
  options: { readonly output?: string; readonly quiet?: boolean },
  context: Context,
): Promise<number> {
  const host = await context.host()
  const rows = host.state.pods().flatMap(record => {
    const observed = observePod(host, record)
    return record.plan.members.map(member => {
      const container = observed.containers[member.name]
      const known = record.containers[member.name]
      return {
        id: container?.id ?? '',
        namespace: record.plan.namespace,
        pod: record.plan.name,
        container: member.name,
        image: member.image,
        state: container?.state ?? 'absent',
        exitCode: container?.exitCode,
        startedAt: known?.startedAt,
        app: record.app,
      }
    })
  })
  if (options.output === 'json') {
    context.io.out(`${JSON.stringify(rows, null, 2)}\n`)
    return 0
  }
  if (options.quiet) {
    for (const row of rows) context.io.out(`${row.id.slice(0, 12)}\n`)
    return 0
  }
  const now = Date.parse(host.now())
  const cells = rows.map(row => [
    row.id.slice(0, 12),
    row.namespace,
    row.pod,
    row.container,
    row.image,
    stateText(row.state, row.exitCode),
    row.startedAt === undefined ? '-' : age(Date.parse(row.startedAt), now),
  ])
  context.io.out(table(['CONTAINER ID', 'NAMESPACE', 'POD', 'CONTAINER', 'IMAGE', 'STATE', 'AGE'], cells))
  return 0
}

function stateText(state: string, exitCode: number | undefined): string {
  return state === 'exited' ? `Exited (${exitCode})` : state.charAt(0).toUpperCase() + state.slice(1)
}
