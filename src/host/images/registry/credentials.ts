/** Where podman, skopeo and docker keep passwords: auth.json and config.json, and the helpers they name. Source: containers-auth.json(5). */
import { execFile } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { errnoOf, KubeError } from '../../../diagnostic.ts'
import { readInput } from '../../sys/input.ts'
import { readRegularFile } from '../../sys/regular-file.ts'
import { objectOf } from '../config.ts'

export interface Credentials {
  readonly username: string
  readonly password: string
  /** An OAuth2 refresh token instead of the password. */
  readonly identityToken?: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** The files in the order in which they are asked. A file named by the user must be there. */
export function authFiles(
  authFile: string | undefined,
  env: Environment,
): readonly { readonly path: string; readonly isRequired: boolean }[] {
  const named = authFile ?? env.REGISTRY_AUTH_FILE
  if (named) return [{ path: named, isRequired: true }]
  const home = env.HOME ?? homedir()
  const config = env.XDG_CONFIG_HOME ?? join(home, '.config')
  return [
    ...(env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, 'containers', 'auth.json')] : []),
    `/run/containers/${process.getuid?.()}/auth.json`,
    join(config, 'containers', 'auth.json'),
    join(env.DOCKER_CONFIG ?? join(home, '.docker'), 'config.json'),
  ].map(path => ({ path, isRequired: false }))
}

/** Keys under which a repository's credentials may be, most specific first. */
function keysOf(repository: string): readonly string[] {
  const parts = repository.split('/')
  const keys = parts.map((_, i) => parts.slice(0, parts.length - i).join('/'))
  return parts[0] === 'docker.io' ? [...keys, 'index.docker.io', 'registry-1.docker.io'] : keys
}

/** docker writes URLs: `https://index.docker.io/v1/`. */
function normalizedKey(key: string): string {
  return key
    .replace(/^https?:\/\//, '')
    .replace(/\/v[12]\/?$/, '')
    .replace(/\/$/, '')
}

function decoded(entry: unknown, path: string): Credentials | undefined {
  const { auth, username, password, identitytoken } = objectOf(entry, `${path}: auths`)
  const identity = typeof identitytoken === 'string' && identitytoken !== '' ? { identityToken: identitytoken } : {}
  if (typeof auth === 'string' && auth !== '') {
    const text = Buffer.from(auth, 'base64').toString('utf8')
    const colon = text.indexOf(':')
    // docker may pad with NULs.
    if (colon > 0)
      return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, ''), ...identity }
  }
  if (typeof username === 'string' && typeof password === 'string' && username !== '')
    return { username, password, ...identity }
  return 'identityToken' in identity ? { username: '', password: '', ...identity } : undefined
}

/** Asks `docker-credential-NAME`. Source: docker-credential-helpers' protocol. */
async function fromHelper(helper: string, server: string): Promise<Credentials | undefined> {
  if (!/^[A-Za-z0-9_.-]+$/.test(helper))
    throw new KubeError('AuthFileInvalid', `credential helper ${JSON.stringify(helper)}: not a program's name`)
  const program = `docker-credential-${helper}`
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
  const child = execFile(program, ['get'], { timeout: 30_000 }, (error, stdout) => {
    if (!error) resolve(stdout)
    else if (errnoOf(error) === 'ENOENT') {
      reject(
        new KubeError('CredentialHelperMissing', `credential helper ${program} for ${server}: not installed`, {
          hint: `install it, or log in to ${server} without it`,
        }),
      )
    }
    // Helpers end with status 1 when they know nothing of this registry.
    else resolve(undefined)
  })
  child.stdin?.on('error', () => {})
  child.stdin?.end(server)
  const answer = await promise
  if (answer === undefined) return undefined
  let said: Readonly<Record<string, unknown>>
  try {
    said = objectOf(JSON.parse(answer), program)
  } catch {
    // Without the cause, which would quote the answer.
    throw new KubeError('AuthFileInvalid', `credential helper ${program}: its answer is not JSON`)
  }
  const { Username, Secret } = said
  if (typeof Secret !== 'string' || Secret === '') return undefined
  if (Username === '<token>') return { username: '', password: '', identityToken: Secret }
  return typeof Username === 'string' ? { username: Username, password: Secret } : undefined
}

/** What one text says of a repository (`docker.io/library/nginx`). `name` is for messages, which never quote the text. */
async function fromText(text: string, name: string, repository: string): Promise<Credentials | undefined> {
  let root: Readonly<Record<string, unknown>>
  try {
    root = objectOf(JSON.parse(text), name)
  } catch (cause) {
    // The cause is left out: JSON.parse quotes the text, which holds passwords.
    if (cause instanceof KubeError) throw cause
    throw new KubeError('AuthFileInvalid', `${name}: is not JSON`)
  }
  const keys = keysOf(repository)
  const auths = byKey(root.auths, `${name}: auths`)
  const helpers = byKey(root.credHelpers, `${name}: credHelpers`)
  for (const key of keys) {
    const helper = helpers.get(key)
    const known = typeof helper === 'string' ? await fromHelper(helper, key) : decoded(auths.get(key), name)
    if (known) return known
  }
  if (typeof root.credsStore !== 'string' || root.credsStore === '') return undefined
  const server = keys.includes('docker.io') ? 'https://index.docker.io/v1/' : (repository.split('/')[0] ?? repository)
  return fromHelper(root.credsStore, server)
}

function byKey(value: unknown, what: string): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(objectOf(value, what)).map(([key, entry]) => [normalizedKey(key), entry]))
}

export interface CredentialSources {
  readonly authFile?: string | undefined
  readonly authTexts?: readonly string[] | undefined
  readonly env: Environment
  readonly signal?: AbortSignal | undefined
}

/** All that is known for `repository`, best first: from each text, then from the first file that knows it. Throws for a file that is broken. */
export async function findCredentials(repository: string, sources: CredentialSources): Promise<readonly Credentials[]> {
  const found: Credentials[] = []
  for (const text of sources.authTexts ?? []) {
    const known = await fromText(text, 'pull secret', repository)
    if (known) found.push(known)
  }
  for (const { path, isRequired } of authFiles(sources.authFile, sources.env)) {
    let text: string
    try {
      text = isRequired ? (await readInput(path, sources.signal)).toString('utf8') : readRegularFile(path)
    } catch (cause) {
      if (!isRequired) continue
      throw new KubeError('AuthFileInvalid', `${path}: the file with registry passwords cannot be read`, { cause })
    }
    const known = await fromText(text, path, repository)
    if (known) return [...found, known]
  }
  return found
}

/** `user:password` of a command line. */
export function parseCredentials(text: string): Credentials {
  const colon = text.indexOf(':')
  if (colon < 1) throw new KubeError('InvalidCredentials', 'credentials must be USER:PASSWORD', { exitStatus: 2 })
  return { username: text.slice(0, colon), password: text.slice(colon + 1) }
}
