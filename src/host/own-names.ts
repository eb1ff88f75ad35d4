/** What is kube's own in the directories that it was given: those may hold other things, which are nobody's business here. */
import { chmodSync, existsSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Layout } from './layout.ts'

/** Beside what the layout names: the images' directory... */
const MORE = ['images']
/** ...what SQLite and backups put beside the database, and what killed commands were making of them. */
const BESIDE = /^(?:state\.db|reserve\.)/

/** Names of what is ours in a directory, whether it is there or not. */
export function ownNames(layout: Layout, directory: string): readonly string[] {
  const paths = Object.values(layout).map(path => (typeof path === 'string' ? path : path('any', 'any', 0)))
  const own = paths.filter(path => path.startsWith(`${directory}/`))
  const beside = existsSync(directory) ? readdirSync(directory).filter(name => BESIDE.test(name)) : []
  return [...new Set([...own.map(path => path.slice(directory.length + 1).split('/')[0]!), ...MORE, ...beside])]
}

/** Permissions of everybody but the owner. */
const OTHERS = 0o077

/**
 * Closes what is kube's own to other users, where the directories that it was given are open to them: containers' set-uid
 * programs and volumes that everybody may write to must not be reached past their container. Earlier versions left more
 * open. The directories themselves stay as whoever made them wants them.
 */
export function closeToOthers(layout: Layout): void {
  for (const directory of [layout.root, layout.runroot]) {
    const top = statSync(directory, { throwIfNoEntry: false })
    if (top === undefined || (top.mode & OTHERS) === 0) continue
    for (const name of ownNames(layout, directory)) closePath(join(directory, name))
  }
}

function closePath(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (!stats || !(stats.isDirectory() || stats.isFile()) || (stats.mode & OTHERS) === 0) return
  try {
    chmodSync(path, stats.mode & 0o7777 & ~OTHERS)
  } catch {
    // On a read-only disk pods are ended all the same.
  }
}
