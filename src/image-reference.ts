/**
 * Image references: `[DOMAIN/]PATH[:TAG][@DIGEST]`. Grammar and defaults are those of the distribution project, which
 * kubelet, docker and podman share: no domain means docker.io, one path component there means `library/`, no tag means `latest`.
 */
import { KubeError } from './diagnostic.ts'

export interface ImageReference {
  /** Registry host with optional port, lower or upper case as given: `docker.io`, `localhost:5000`, `[::1]:5000`. */
  readonly domain: string
  /** Repository path on that registry: `library/nginx`. */
  readonly path: string
  /** Absent when there is a digest: a digest says all. */
  readonly tag?: string
  /** `sha256:` and 64 hex digits. */
  readonly digest?: string
}

const DEFAULT_DOMAIN = 'docker.io'
const LOCAL_DOMAIN = 'localhost'
const LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const DOMAIN = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]{1,5})?$`)
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const DIGEST = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/
/** Bytes of domain and path together. Source: distribution/reference, RepositoryNameTotalLengthMax. */
const NAME_MAX = 255

function invalid(text: string, reason: string, hint?: string): KubeError {
  const options = hint === undefined ? {} : { hint }
  return new KubeError(
    'InvalidImageName',
    `image ${JSON.stringify(text)}: invalid reference format: ${reason}`,
    options,
  )
}

function isDomain(first: string): boolean {
  return /[.:]/.test(first) || first === LOCAL_DOMAIN || first !== first.toLowerCase()
}

interface Parts {
  readonly domain: string | undefined
  readonly path: string
  readonly tag: string | undefined
  readonly digest: string | undefined
}

/** Cuts the text apart and checks each part; throws `InvalidImageName` with the reason. */
function partsOf(text: string): Parts {
  if (text === '') throw invalid(text, 'it is empty')
  if (text !== text.trim())
    throw invalid(text, 'it starts or ends with a space', `write ${JSON.stringify(text.trim())}`)
  const scheme = /^([a-z][a-z0-9+-]*):\/\//.exec(text)
  if (scheme) throw invalid(text, `${scheme[1]}:// does not belong there`, `write "${text.slice(scheme[0].length)}"`)

  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  if (digest !== undefined && !DIGEST.test(digest))
    throw invalid(text, 'the digest must be sha256: and 64 lower case hex digits')
  const named = at < 0 ? text : text.slice(0, at)

  const slash = named.indexOf('/')
  const first = slash < 0 ? undefined : named.slice(0, slash)
  const domain = first !== undefined && isDomain(first) ? first : undefined
  const rest = domain === undefined ? named : named.slice(domain.length + 1)
  if (domain !== undefined && !DOMAIN.test(domain)) {
    const upperOnly = !/[.:]/.test(domain) && domain !== domain.toLowerCase()
    throw invalid(
      text,
      upperOnly ? 'repository name must be lowercase' : `${JSON.stringify(domain)} is not a registry host`,
    )
  }

  const colon = rest.indexOf(':')
  const path = colon < 0 ? rest : rest.slice(0, colon)
  const tag = colon < 0 ? undefined : rest.slice(colon + 1)
  if (path === '') throw invalid(text, 'it has no repository name')
  if (!PATH.test(path)) {
    if (PATH.test(path.toLowerCase())) {
      throw invalid(text, 'repository name must be lowercase', `write "${text.replace(path, path.toLowerCase())}"`)
    }
    throw invalid(
      text,
      `${JSON.stringify(path)} may hold lower case letters, digits, and single ".", "_", "__" or "-" between them`,
    )
  }
  if (tag !== undefined && !TAG.test(tag)) {
    throw invalid(
      text,
      `the tag ${JSON.stringify(tag)} must be 1 to 128 letters, digits, "_", "." or "-", not starting with "." or "-"`,
    )
  }
  return { domain, path, tag, digest }
}

function referenceOf(text: string, parts: Parts, defaultDomain: string): ImageReference {
  const domain =
    parts.domain === undefined || parts.domain === 'index.docker.io'
      ? parts.domain
        ? DEFAULT_DOMAIN
        : defaultDomain
      : parts.domain
  const path = domain === DEFAULT_DOMAIN && !parts.path.includes('/') ? `library/${parts.path}` : parts.path
  if (domain.length + 1 + path.length > NAME_MAX)
    throw invalid(text, `repository name must not be more than ${NAME_MAX} characters`)
  if (parts.domain === undefined && /^[a-f0-9]{64}$/.test(parts.path)) {
    throw invalid(text, 'a repository name cannot be 64 hex digits, as an image ID is')
  }
  if (parts.digest !== undefined) return { domain, path, digest: parts.digest }
  return { domain, path, tag: parts.tag ?? 'latest' }
}

/** As kubelet reads `image:`. A tag beside a digest is dropped. Throws `InvalidImageName`. */
export function parseReference(text: string): ImageReference {
  return referenceOf(text, partsOf(text), DEFAULT_DOMAIN)
}

/** As podman names what is made here: without a domain it is `localhost/PATH`. Throws `InvalidImageName`. */
export function parseLocalReference(text: string): ImageReference {
  return referenceOf(text, partsOf(text), LOCAL_DOMAIN)
}

/** The normalized text: `docker.io/library/nginx:latest`. */
export function formatReference(reference: ImageReference): string {
  return `${repositoryOf(reference)}${reference.digest === undefined ? `:${reference.tag ?? 'latest'}` : `@${reference.digest}`}`
}

/** Domain and path: `docker.io/library/nginx`. */
export function repositoryOf(reference: ImageReference): string {
  return `${reference.domain}/${reference.path}`
}

/** The normalized names under which a stored image may answer to `text`, best first: one made here, then docker.io's. Empty when it is no reference. */
export function lookupNames(text: string): readonly string[] {
  try {
    const parts = partsOf(text)
    const usual = formatReference(referenceOf(text, parts, DEFAULT_DOMAIN))
    return parts.domain === undefined ? [formatReference(referenceOf(text, parts, LOCAL_DOMAIN)), usual] : [usual]
  } catch {
    return []
  }
}

/** Whether `text` says no registry host, so that it may mean `localhost/` as well as docker.io. */
export function isShortName(text: string): boolean {
  return partsOf(text).domain === undefined
}
