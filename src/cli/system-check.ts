/** `kube system check`: what kube needs of this machine, and whether what it keeps there is whole. */
import { layoutOf } from '../host/layout.ts'
import { checkRequirements, type Requirement } from '../host/sys/requirements.ts'
import { checkData, repairData } from './check-data.ts'
import type { Context } from './context.ts'
import { rootsOf } from './host.ts'
import { paint, table } from './render.ts'

export async function runSystemCheck(
  _args: [],
  options: { readonly output?: string; readonly repair?: boolean },
  context: Context,
): Promise<number> {
  const { io, globals } = context
  const layout = layoutOf(rootsOf(globals))
  if (options.repair) await repairData(layout, context)
  const requirements = [...(await checkRequirements(globals.runtime)), ...checkData(layout)]
  const ok = requirements.every(requirement => requirement.ok || !requirement.required)
  if (options.output === 'json') io.out(`${JSON.stringify({ ok, requirements }, null, 2)}\n`)
  else {
    const rows = requirements.map(requirement => [
      requirement.name,
      stateOf(requirement),
      requirement.detail,
      requirement.need,
      requirement.fix ?? '',
    ])
    io.out(table(['NAME', 'STATUS', 'DETAIL', 'NEEDED FOR', 'TO DO'], rows))
    if (!ok) io.err(`${paint(io, 'red', 'kube:')} something that every pod needs is missing or damaged\n`)
  }
  return ok ? 0 : 1
}

function stateOf({ kind, ok, required }: Requirement): string {
  if (ok) return 'ok'
  if (kind === 'data') return 'DAMAGED'
  if (kind === 'limit') return 'low'
  return required ? 'MISSING' : 'missing'
}
