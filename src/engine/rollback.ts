/** Undoing a run that failed: only what this run did, in reverse, going on past errors. */
import { causeChain } from '../diagnostic.ts'
import { type Action, stepOf } from '../reconcile/actions.ts'
import { beginRemoval } from './down.ts'
import { execute } from './executors.ts'
import type { Run } from './run-loop.ts'

export interface RollbackReport {
  readonly undone: number
  /** In words, with the reason; the records of these pods stay, and the next command finishes the job. */
  readonly failed: readonly string[]
}

/** Undoes the run's journal, pod by pod side by side, then forgets the pods whose undoing was whole. */
export async function rollback(run: Run, uids: readonly string[]): Promise<RollbackReport> {
  run.host.state.makeRoom()
  const failed: string[] = []
  let undone = 0
  const undoPod = async (uid: string) => {
    const actions = run.journal.filter(action => action.uid === uid).reverse()
    let whole = true
    for (const action of [...actions, { kind: 'forgetPod', uid } as const]) {
      if (action.kind === 'forgetPod' && !whole) continue
      try {
        await run.spawning(() => execute(action, run.host, run.records))
        undone++
      } catch (error) {
        whole = false
        failed.push(`${describe(run, action)}: ${causeChain(error)}`)
      }
    }
  }
  for (const uid of uids) {
    try {
      beginRemoval(run.host, uid)
    } catch (error) {
      // A full disk: what was made is undone all the same, and the record tells the next command of the rest.
      failed.push(`pod ${run.records.get(uid).plan.name}: mark it for removal: ${causeChain(error)}`)
    }
  }
  await Promise.all(uids.map(undoPod))
  run.journal.length = 0
  return { undone, failed }
}

function describe(run: Run, action: Action): string {
  const { plan } = run.records.get(action.uid)
  const object = 'container' in action ? ` container ${action.container}:` : ''
  return `pod ${plan.name}:${object} ${stepOf(action.kind)}`
}
