/** Who a container runs as: the image's USER, the manifest's runAsUser and runAsGroup, and the image's passwd and group files. */
import { KubeError } from '../diagnostic.ts'
import type { ImageDefaults, ResolvedUser } from './facts.ts'
import type { MemberPlan, PodPlan, SecurityPlan } from './types.ts'

/** The texts of the image's etc/passwd and etc/group; empty when it has none. */
export interface UserFiles {
  readonly passwd: string
  readonly group: string
}

interface PasswdEntry {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

interface GroupEntry {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

/**
 * Fails with `RunAsNonRoot` in the kubelet's words when the container must not be root but would or could be, and with
 * `NoSuchUser` when the image names a user or group that its own files do not have.
 */
export function resolveUser(pod: PodPlan, member: MemberPlan, image: ImageDefaults, files: UserFiles): ResolvedUser {
  const { security } = member
  const [imageUser = '', imageGroup = ''] = splitUser(image.user ?? '')
  const where = `(pod: "${pod.name}_${pod.namespace}", container: ${member.name})`
  if (security.runAsNonRoot) verifyNonRoot(security, imageUser, where)
  const users = parsePasswd(files.passwd)
  const groups = parseGroup(files.group)
  const entry =
    security.user === undefined ? findUser(users, imageUser) : users.find(user => user.uid === security.user)
  const uid = security.user ?? entry?.uid ?? numeric(imageUser)
  if (uid === undefined) throw noSuch('user', imageUser, 'passwd')
  const gid =
    security.group ?? (security.user === undefined ? groupId(groups, imageGroup) : undefined) ?? entry?.gid ?? 0
  const memberships =
    security.supplementalGroupsPolicy === 'Strict' || !entry
      ? []
      : groups.filter(group => group.members.includes(entry.name)).map(group => group.gid)
  return {
    uid,
    gid,
    // The primary group is among them: else dropping it from the list would give access that it denies (CVE-2023-25173).
    additionalGids: [...new Set([gid, ...memberships, ...security.supplementalGroups])],
    home: entry?.home || '/',
  }
}

/** Source of the wording: k8s.io/kubernetes/pkg/kubelet/kuberuntime/security_context.go. */
function verifyNonRoot(security: SecurityPlan, imageUser: string, where: string): void {
  if (security.user !== undefined) {
    if (security.user === 0) throw nonRoot(`container's runAsUser breaks non-root policy ${where}`)
    return
  }
  const uid = imageUser === '' ? 0 : numeric(imageUser)
  if (uid === 0) throw nonRoot(`container has runAsNonRoot and image will run as root ${where}`)
  if (uid === undefined) {
    const detail = `image has non-numeric user (${imageUser}), cannot verify user is non-root`
    throw nonRoot(`container has runAsNonRoot and ${detail} ${where}`)
  }
}

function nonRoot(message: string): KubeError {
  const hint = 'set securityContext.runAsUser to a number other than 0, or use an image whose USER is one'
  return new KubeError('RunAsNonRoot', message, { hint })
}

function noSuch(what: 'user' | 'group', name: string, file: string): KubeError {
  return new KubeError('NoSuchUser', `unable to find ${what} ${name}: no matching entries in the image's /etc/${file}`)
}

/** `user[:group]`. */
function splitUser(user: string): readonly string[] {
  const at = user.indexOf(':')
  return at < 0 ? [user] : [user.slice(0, at), user.slice(at + 1)]
}

/** Largest id that the kernel takes; the one above means "no change". */
const LAST_ID = 2 ** 32 - 2

function numeric(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined
  const id = Number(text)
  return id <= LAST_ID ? id : undefined
}

/** A name first, so that a user called `1000` is found; then the number. No user at all is root. */
function findUser(users: readonly PasswdEntry[], wanted: string): PasswdEntry | undefined {
  if (wanted === '') return users.find(user => user.uid === 0) ?? { name: 'root', uid: 0, gid: 0, home: '/root' }
  return users.find(user => user.name === wanted) ?? users.find(user => user.uid === numeric(wanted))
}

function groupId(groups: readonly GroupEntry[], wanted: string): number | undefined {
  if (wanted === '') return undefined
  const gid = groups.find(group => group.name === wanted)?.gid ?? numeric(wanted)
  if (gid === undefined) throw noSuch('group', wanted, 'group')
  return gid
}

/** `name:password:uid:gid:gecos:home:shell`; lines of another form are passed over. */
function parsePasswd(text: string): readonly PasswdEntry[] {
  return text.split('\n').flatMap(line => {
    const [name = '', , user = '', group = '', , home = ''] = line.trim().split(':')
    const uid = numeric(user)
    const gid = numeric(group)
    return name === '' || uid === undefined || gid === undefined ? [] : [{ name, uid, gid, home }]
  })
}

/** `name:password:gid:user,user`. */
function parseGroup(text: string): readonly GroupEntry[] {
  return text.split('\n').flatMap(line => {
    const [name = '', , id = '', members = ''] = line.trim().split(':')
    const gid = numeric(id)
    return name === '' || gid === undefined ? [] : [{ name, gid, members: members.split(',').filter(Boolean) }]
  })
}
