/** One repository of one registry, by the distribution API. Source: OCI distribution spec 1.1, and docker's token authentication. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { errnoOf, KubeError } from '../../../diagnostic.ts'
import { readRegularFile } from '../../sys/regular-file.ts'
import { DOCUMENT_MAX_BYTES, MEDIA_TYPES } from '../manifest.ts'
import type { Digest } from '../types.ts'
import { parseChallenges } from './challenge.ts'
import type { Credentials } from './credentials.ts'
import {
  explainNetwork,
  HttpConnections,
  type HttpResponse,
  isLoopback,
  isNotTls,
  isTransient,
  readBody,
  type TlsOptions,
} from './http.ts'

export interface RepositoryOptions {
  /** Host with optional port, and path: `docker.io/library/nginx`. */
  readonly repository: string
  /** An unverified certificate or plain HTTP will do. */
  readonly insecure: boolean
  /** Asked once, when the registry wants to know who we are; tried in order; nobody when there are none. */
  readonly credentials: () => Promise<readonly Credentials[]>
  readonly signal?: AbortSignal | undefined
  /** Milliseconds before the second try; each further one waits four times longer. Default 250. */
  readonly backoffMs?: number
}

/** Tries of one request; a download starts counting again whenever bytes arrive. */
const TRIES_MAX = 4
/** The longest Retry-After that is waited for, in seconds. */
const RETRY_AFTER_MAX = 30
const ACCEPT = Object.values(MEDIA_TYPES).join(', ')
const TOKEN_MAX_BYTES = 1 << 20
/** Some registries say of what one may not see that it is not there. */
const DENIALS: readonly string[] = ['RegistryUnauthorized', 'RegistryForbidden', 'ImageNotFound']

interface Fetched {
  readonly bytes: Buffer
  readonly mediaType: string
}

export class Repository implements Disposable {
  readonly #options: RepositoryOptions
  readonly #host: string
  readonly #path: string
  #connections: Promise<HttpConnections> | undefined
  #base: Promise<URL> | undefined
  #authorization: string | undefined
  #signIn: Promise<string> | undefined
  #credentials: Promise<readonly Credentials[]> | undefined
  /** Which of them are used. */
  #turn = 0

  constructor(options: RepositoryOptions) {
    this.#options = options
    const slash = options.repository.indexOf('/')
    this.#host = options.repository.slice(0, slash)
    this.#path = options.repository.slice(slash + 1)
  }

  [Symbol.dispose](): void {
    this.#connections?.then(connections => connections[Symbol.dispose]()).catch(() => {})
  }

  /** By tag or digest, as it came: the caller checks the digest. */
  async manifest(reference: string): Promise<Fetched> {
    const response = await this.#get(`manifests/${reference}`, { Accept: ACCEPT })
    return { bytes: await this.#whole(response), mediaType: response.headers['content-type'] ?? '' }
  }

  /** A small blob, whole. */
  async smallBlob(digest: Digest): Promise<Buffer> {
    return this.#whole(await this.#get(`blobs/${digest}`, {}))
  }

  /** A blob of `size` bytes as it comes in. A broken connection is taken up again where it broke. The caller checks the digest. */
  async *blob(digest: Digest, size: number): AsyncGenerator<Buffer, void> {
    let done = 0
    for (let failures = 0; ; ) {
      const response = await this.#get(`blobs/${digest}`, done === 0 ? {} : { Range: `bytes=${done}-` })
      // A registry that does not know ranges starts again from the beginning.
      let skip = response.status === 206 ? 0 : done
      try {
        for await (const chunk of response.body as AsyncIterable<Buffer>) {
          const fresh = skip < chunk.length ? chunk.subarray(skip) : undefined
          skip -= Math.min(skip, chunk.length)
          if (fresh === undefined) continue
          done += fresh.length
          failures = 0
          if (done > size)
            throw new KubeError(
              'DigestMismatch',
              `blob ${digest} is larger than the ${size} bytes its manifest tells of`,
            )
          yield fresh
        }
        if (done === size) return
      } catch (error) {
        this.#options.signal?.throwIfAborted()
        if (!isTransient(error)) throw explainNetwork(error, this.#host)
      } finally {
        response.body.destroy()
      }
      if (++failures >= TRIES_MAX)
        throw new KubeError(
          'RegistryUnreachable',
          `registry ${this.#host}: the download broke off ${failures} times at byte ${done} of ${size}`,
        )
      await this.#pause(failures)
    }
  }

  async #whole(response: HttpResponse): Promise<Buffer> {
    try {
      return await readBody(response, DOCUMENT_MAX_BYTES)
    } catch (error) {
      throw explainNetwork(error, this.#host)
    }
  }

  /** A GET; where the registry denies it to one user, the next one that is known is tried. */
  async #get(what: string, headers: Readonly<Record<string, string>>): Promise<HttpResponse> {
    for (;;) {
      try {
        return await this.#getOnce(what, headers)
      } catch (error) {
        const known = await this.#credentials
        if (!(error instanceof KubeError) || !DENIALS.includes(error.code) || this.#turn + 1 >= (known?.length ?? 0))
          throw error
        this.#turn++
        this.#authorization = undefined
      }
    }
  }

  /** Signs in when asked to, tries again what may pass, and turns every other answer into an error. */
  async #getOnce(what: string, headers: Readonly<Record<string, string>>): Promise<HttpResponse> {
    let hasSignedIn = false
    for (let tries = 1; ; tries++) {
      let response: HttpResponse
      try {
        const base = await this.#baseUrl()
        const url = new URL(`${base.pathname}${this.#path}/${what}`, base)
        const used = this.#authorization
        const connections = await this.#connect()
        response = await connections.request({
          url,
          headers: used ? { ...headers, Authorization: used } : headers,
          signal: this.#options.signal,
        })
        if (response.status === 401 && !hasSignedIn) {
          hasSignedIn = true
          response.body.resume()
          // Another request may have signed in meanwhile.
          if (this.#authorization === used) await this.#authorize(response)
          continue
        }
      } catch (error) {
        this.#options.signal?.throwIfAborted()
        if (tries >= TRIES_MAX || !isTransient(error)) throw explainNetwork(error, this.#host)
        await this.#pause(tries)
        continue
      }
      const { status } = response
      if (status === 200 || status === 206) return response
      const retryAfter = Number(response.headers['retry-after'])
      const isWorthIt = status === 429 ? !(retryAfter > RETRY_AFTER_MAX) : status >= 500 && status !== 501
      if (isWorthIt && tries < TRIES_MAX) {
        response.body.resume()
        await this.#pause(tries, retryAfter)
        continue
      }
      throw await failureOf(response, what, this.#host)
    }
  }

  async #pause(failures: number, retryAfterSeconds = Number.NaN): Promise<void> {
    const { signal, backoffMs = 250 } = this.#options
    const own = backoffMs * 4 ** (failures - 1) * (0.75 + Math.random() / 2)
    const told = Math.min(retryAfterSeconds, RETRY_AFTER_MAX) * 1000
    await delay(told > 0 ? told : own, undefined, signal ? { signal } : {})
  }

  #connect(): Promise<HttpConnections> {
    this.#connections ??= (async () => {
      const hostname = new URL(`https://${this.#host}`).hostname
      const verify = !(this.#options.insecure || isLoopback(hostname))
      return new HttpConnections({ verify, ...(await certificatesFor(this.#host)) })
    })()
    return this.#connections
  }

  /** Where the API is. A loopback registry is asked by plain HTTP first, another insecure one by TLS first. */
  #baseUrl(): Promise<URL> {
    this.#base ??= this.#findBase()
    return this.#base
  }

  async #findBase(): Promise<URL> {
    const host = this.#host === 'docker.io' ? 'registry-1.docker.io' : this.#host
    const secure = new URL(`https://${host}/v2/`)
    const plain = new URL(`http://${host}/v2/`)
    const isLocal = isLoopback(secure.hostname)
    if (!isLocal && !this.#options.insecure) return secure
    const connections = await this.#connect()
    const order = isLocal ? [plain, secure] : [secure, plain]
    let failure: unknown
    for (const url of order) {
      try {
        const response = await connections.request({ url, signal: this.#options.signal })
        response.body.resume()
        // Go's servers answer so to plain HTTP on a TLS port.
        if (url === plain && response.status === 400 && isLocal) continue
        return url
      } catch (error) {
        this.#options.signal?.throwIfAborted()
        failure = error
        if (!isNotTls(error) && !(order[0] === secure && errnoOf(error) === 'ECONNREFUSED')) break
      }
    }
    throw failure
  }

  /** Gets what the registry's challenge asks for, once for all requests that wait for it. */
  async #authorize(response: HttpResponse): Promise<void> {
    this.#signIn ??= this.#newAuthorization(response).finally(() => {
      this.#signIn = undefined
    })
    this.#authorization = await this.#signIn
  }

  async #newAuthorization(response: HttpResponse): Promise<string> {
    const challenges = parseChallenges(response.headers['www-authenticate'] ?? '')
    this.#credentials ??= this.#options.credentials()
    const credentials = (await this.#credentials)[this.#turn]
    const bearer = challenges.find(challenge => challenge.scheme === 'bearer')
    if (bearer) return `Bearer ${await this.#token(bearer.parameters, credentials, response.url)}`
    if (challenges.some(challenge => challenge.scheme === 'basic')) {
      if (credentials) return basic(credentials)
      throw unauthorized(this.#host, 'it wants a user name and a password, and none are known')
    }
    throw unauthorized(this.#host, 'it denies access and does not say how to sign in')
  }

  async #token(
    parameters: Readonly<Record<string, string>>,
    credentials: Credentials | undefined,
    from: URL,
  ): Promise<string> {
    const realm = URL.parse(parameters.realm ?? '')
    if (realm?.protocol !== 'https:' && realm?.protocol !== 'http:')
      throw unauthorized(this.#host, 'its token server has no URL')
    if (
      realm.protocol === 'http:' &&
      from.protocol === 'https:' &&
      !this.#options.insecure &&
      !isLoopback(realm.hostname)
    ) {
      throw unauthorized(this.#host, `its token server ${realm.host} speaks plain HTTP: passwords are not sent there`)
    }
    const scope = parameters.scope || `repository:${this.#path}:pull`
    const connections = await this.#connect()
    const { signal } = this.#options
    let answer: HttpResponse
    if (credentials?.identityToken) {
      const form = new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: 'kube',
        scope,
        refresh_token: credentials.identityToken,
      })
      if (parameters.service) form.set('service', parameters.service)
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
      answer = await connections.request({ url: realm, method: 'POST', headers, body: form.toString(), signal })
    } else {
      if (parameters.service) realm.searchParams.set('service', parameters.service)
      realm.searchParams.set('scope', scope)
      if (credentials) realm.searchParams.set('account', credentials.username)
      answer = await connections.request({
        url: realm,
        headers: credentials ? { Authorization: basic(credentials) } : {},
        signal,
      })
    }
    const bytes = await readBody(answer, TOKEN_MAX_BYTES)
    if (answer.status === 401 || answer.status === 403)
      throw unauthorized(
        this.#host,
        credentials ? 'it refuses the user name or password' : 'it gives nothing to anonymous users',
      )
    if (answer.status !== 200)
      throw new KubeError(
        'RegistryFailed',
        `token server ${realm.host} of registry ${this.#host}: status ${answer.status}`,
      )
    let said: { readonly token?: unknown; readonly access_token?: unknown } = {}
    try {
      said = JSON.parse(bytes.toString('utf8')) as typeof said
    } catch {
      // Told below; the text may hold a token.
    }
    const token = said.token || said.access_token
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
      throw new KubeError(
        'RegistryFailed',
        `token server ${realm.host} of registry ${this.#host}: its answer holds no token`,
      )
    return token
  }
}

function basic(credentials: Credentials): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
}

function unauthorized(host: string, reason: string): KubeError {
  return new KubeError('RegistryUnauthorized', `registry ${host}: unauthorized: ${reason}`, {
    hint: `give --creds USER:PASSWORD, or an --authfile with a login for ${host} (\`podman login\` and \`docker login\` write one); also check the image's name`,
  })
}

/** The first error of the registry's JSON body, as one line that is safe to print. */
async function errorText(response: HttpResponse): Promise<string> {
  try {
    const bytes = await readBody(response, 1 << 16)
    const { errors } = JSON.parse(bytes.toString('utf8')) as {
      readonly errors?: readonly { readonly code?: unknown; readonly message?: unknown }[]
    }
    const text = errors?.map(error => String(error.message ?? error.code)).join('; ') ?? ''
    return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 300)
  } catch {
    return ''
  }
}

async function failureOf(response: HttpResponse, what: string, host: string): Promise<KubeError> {
  const { status } = response
  const text = await errorText(response)
  const said = text === '' ? `status ${status}` : text
  const isManifest = what.startsWith('manifests/')
  switch (status) {
    case 401:
      return unauthorized(host, text === '' ? 'access denied' : text)
    case 403:
      return new KubeError('RegistryForbidden', `registry ${host}: forbidden: ${said}`, {
        hint: 'this user may not read that repository',
      })
    case 404:
      if (!isManifest)
        return new KubeError(
          'ImageInvalid',
          `registry ${host}: blob unknown: ${what.slice('blobs/'.length)} is not in the registry`,
        )
      return new KubeError(
        'ImageNotFound',
        `${text === '' ? 'manifest unknown' : text} (registry ${host} has no such image or tag)`,
        {
          hint: 'check the name and the tag',
        },
      )
    case 416:
      return new KubeError(
        'DigestMismatch',
        `registry ${host}: blob ${what.slice('blobs/'.length)} is smaller than its manifest tells`,
      )
    case 429:
      return new KubeError('RegistryTooManyRequests', `registry ${host}: too many requests: ${said}`, {
        hint: 'its rate limit is reached: wait, or sign in for a higher one',
      })
    default:
      return new KubeError('RegistryFailed', `registry ${host}: ${said}${text === '' ? '' : ` (status ${status})`}`)
  }
}

/** The certificates that docker and podman users put beside their registries. Source: containers-certs.d(5). */
async function certificatesFor(host: string): Promise<Omit<TlsOptions, 'verify'>> {
  for (const top of ['/etc/containers/certs.d', '/etc/docker/certs.d']) {
    const directory = join(top, host)
    const names = await readdir(directory).catch(() => [])
    if (names.length === 0) continue
    const read = (name: string): string => readRegularFile(join(directory, name))
    const cert = names.find(name => name.endsWith('.cert'))
    const key = cert === undefined ? undefined : names.find(name => name === cert.replace(/\.cert$/, '.key'))
    return {
      ca: names.filter(name => name.endsWith('.crt')).map(read),
      ...(cert !== undefined && key !== undefined ? { cert: read(cert), key: read(key) } : {}),
    }
  }
  return {}
}
