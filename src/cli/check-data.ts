/** Whether what is on the disk is whole, and making it so. */
import { existsSync } from 'node:fs'
import { KubeError } from '../diagnostic.ts'
import { damageOfStore, repairIndex } from '../host/images/damage.ts'
import type { Layout } from '../host/layout.ts'
import { findLeftovers } from '../host/leftovers.ts'
import { restoreBackup, versionOf } from '../host/state/backup.ts'
import { backupOf } from '../host/state/database.ts'
import type { Requirement } from '../host/sys/requirements.ts'
import { holdRoot } from '../host/sys/root-hold.ts'
import { damageOf } from '../host/sys/shared-database.ts'
import type { Context } from './context.ts'

const REPAIR = 'kube system check --repair'
const RESET = 'kube system reset --force'

/** Nothing where nothing was made yet, or is this user's to look at. */
export function checkData(layout: Layout): readonly Requirement[] {
  const found: Requirement[] = []
  const add = (name: string, need: string, damage: string | undefined, fix: string) =>
    found.push({
      name,
      kind: 'data',
      required: true,
      ok: damage === undefined,
      detail: damage ?? 'whole',
      need,
      ...(damage === undefined ? {} : { fix }),
    })
  const hasBackup = existsSync(backupOf(layout.database))
  if (existsSync(layout.database) || hasBackup)
    add('records', 'all commands', damageOfRecords(layout), hasBackup ? REPAIR : RESET)
  const store = damageOfStore(layout.root)
  if (!store) return found
  add('image index', 'finding images', store.index, REPAIR)
  const { images } = store
  const lost = images.length === 0 ? undefined : `files are gone of ${images.join(', ')}`
  if (store.index === undefined) add('image layers', 'starting containers', lost, 'pull, load or import them again')
  return found
}

function damageOfRecords({ database }: Layout): string | undefined {
  if (!existsSync(database)) return 'the file is missing'
  const damage = damageOf(database)
  if (damage !== undefined) return damage
  // Whoever found it missing has made another, and nothing in it.
  return existsSync(backupOf(database)) && versionOf(database) === 0 ? 'nothing is in it' : undefined
}

/** Tells what it does. Fails with `StateCorrupt` where nothing is left to make the records from. */
export async function repairData(layout: Layout, context: Context): Promise<void> {
  const { io } = context
  if (damageOfStore(layout.root)?.index !== undefined) {
    repairIndex(layout.root)
    io.err(`made the index of images anew from what is on the disk\n`)
  }
  const isLost = !existsSync(layout.database) && !existsSync(backupOf(layout.database))
  const damage = damageOfRecords(layout)
  if (isLost || damage === undefined) return
  {
    // Others have the damaged file open.
    using _held = await holdRoot(layout, pids => io.err(`waiting for other programs (pid ${pids.join(', ')})\n`))
    const made = restoreBackup(layout.database)
    if (made === undefined) {
      throw new KubeError('StateCorrupt', `${layout.database}: ${damage}, and there is no backup of it`, {
        hint: `\`${RESET}\` begins anew: it removes all pods, images and volumes of this --root`,
      })
    }
    io.err(`put the records of ${made.toISOString()} back; the damaged ones are ${layout.database}.damaged\n`)
  }
  const { directories } = findLeftovers(await context.host())
  if (directories.length === 0) return
  io.err(`${directories.length} pods are younger than that and unknown now: \`kube system prune\` removes them\n`)
}
