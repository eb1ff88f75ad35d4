/** Named volumes: directories that outlive the pods that use them, `<root>/volumes/<namespace>/<claim>`. */
import { chmodSync, chownSync, mkdirSync, renameSync, rmdirSync, statSync } from 'node:fs'
import { errnoOf } from '../../diagnostic.ts'
import type { ClaimPlan } from '../../plan/types.ts'
import type { Layout } from '../layout.ts'
import { makeDirectory } from '../sys/make-directory.ts'
import { namesIn } from '../sys/names-in.ts'
import { randomUuid } from '../sys/random-uuid.ts'
import { removeTree } from '../sys/remove-tree.ts'

export interface NamedVolume {
  readonly namespace: string
  readonly name: string
  /** Absolute path of its files. */
  readonly path: string
  /** RFC 3339. */
  readonly createdAt: string
}

export interface ClaimStore {
  path(namespace: string, claim: string): string
  /** Makes it unless it is there: writable for every user where nobody was named who will write to it. */
  make(claim: Pick<ClaimPlan, 'namespace' | 'claim' | 'uid' | 'gid'>): void
  list(): readonly NamedVolume[]
  find(namespace: string, claim: string): NamedVolume | undefined
  /** Puts it out of everyone's reach at once; nothing where there is none. */
  discard(namespace: string, claim: string): void
  /** Removes what was put away. */
  removeDiscarded(): Promise<void>
  /** One that isn't there is gone already. */
  remove(namespace: string, claim: string): Promise<void>
}

export function openClaimStore(layout: Layout): ClaimStore {
  const top = layout.volumesDir
  const path = (namespace: string, claim: string) => `${top}/${namespace}/${claim}`

  // No namespace's name begins with a dot.
  const discarded = `${top}/.removed`
  const namespaces = () =>
    namesIn(top)
      .toSorted()
      .filter(name => !name.startsWith('.'))

  function find(namespace: string, name: string): NamedVolume | undefined {
    const stats = statSync(path(namespace, name), { throwIfNoEntry: false })
    if (!stats?.isDirectory()) return undefined
    return { namespace, name, path: path(namespace, name), createdAt: stats.birthtime.toISOString() }
  }

  return {
    path,
    find,
    make({ namespace, claim, uid, gid }) {
      const directory = path(namespace, claim)
      makeDirectory(top, 0o700)
      mkdirSync(`${top}/${namespace}`, { recursive: true, mode: 0o711 })
      try {
        mkdirSync(directory, { mode: 0o777 })
        if (uid !== undefined || gid !== undefined) chownSync(directory, uid ?? 0, gid ?? 0)
        // mkdir's mode is cut by the umask.
        chmodSync(directory, uid === undefined && gid === undefined ? 0o777 : 0o775)
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error
      }
    },
    list: () =>
      namespaces().flatMap(namespace =>
        namesIn(`${top}/${namespace}`)
          .toSorted()
          .flatMap(name => find(namespace, name) ?? []),
      ),
    discard(namespace, claim) {
      if (!find(namespace, claim)) return
      mkdirSync(discarded, { recursive: true, mode: 0o700 })
      renameSync(path(namespace, claim), `${discarded}/${randomUuid()}`)
      removeEmpty(`${top}/${namespace}`)
    },
    async removeDiscarded() {
      const left = namesIn(discarded)
      if (left.length === 0) return
      await Promise.all(left.map(name => removeTree(`${discarded}/${name}`)))
      removeEmpty(discarded)
      removeEmpty(top)
    },
    async remove(namespace, claim) {
      await removeTree(path(namespace, claim))
      // The namespace's directory goes with its last volume.
      removeEmpty(`${top}/${namespace}`)
      removeEmpty(top)
    },
  }
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // Something is in it.
  }
}
