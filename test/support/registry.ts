/** Debian's docker-registry on a loopback port of its own, with or without passwords. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { createPrivateKey, createSign, randomUUID, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { Blob } from './image-archive.ts'

const run = promisify(execFile)

/** No program here takes so long, however busy the machine is; one that does hangs, and is killed. In milliseconds. */
export const PROGRAM_LIMIT_MS = 120_000

/** Whom the registries with passwords let in. */
export const USER = 'alice'
export const PASSWORD = 'open:sesame'
/** USER with the bcrypt of PASSWORD. */
const HTPASSWD = 'alice:$2y$05$nPHaKZ00V9qo2Y.pkzS0K..rsKvT4u0cYgs/FWDaWC7xFiCR4ONyi\n'

export interface RegistryOptions {
  readonly auth?: 'htpasswd' | 'token'
  readonly tls?: boolean
}

export class TestRegistry implements AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string
  readonly directory: string
  /** What the token server was asked for: query or form, and the Authorization header. */
  readonly tokenRequests: { readonly parameters: URLSearchParams; readonly authorization: string | undefined }[]
  readonly #process: ChildProcess
  readonly #tokens: Server | undefined

  private constructor(host: string, directory: string, process: ChildProcess, tokens: TokenServer | undefined) {
    this.host = host
    this.directory = directory
    this.#process = process
    this.#tokens = tokens?.server
    this.tokenRequests = tokens?.requests ?? []
  }

  static async start(options: RegistryOptions = {}): Promise<TestRegistry> {
    const directory = mkdtempSync(join(tmpdir(), 'kube-registry-'))
    mkdirSync(join(directory, 'data'))
    const tokens = options.auth === 'token' ? await startTokenServer(directory) : undefined
    const auth: Record<string, object> = {}
    if (options.auth === 'htpasswd') {
      writeFileSync(join(directory, 'htpasswd'), HTPASSWD)
      auth.auth = { htpasswd: { realm: 'kube tests', path: join(directory, 'htpasswd') } }
    }
    if (tokens) {
      const { port } = tokens.server.address() as AddressInfo
      const realm = `http://127.0.0.1:${port}/token`
      auth.auth = {
        token: {
          realm,
          service: 'kube test registry',
          issuer: 'kube tests',
          rootcertbundle: join(directory, 'cert.pem'),
        },
      }
    }
    if (options.tls) makeCertificate(directory)
    // A JSON document is a YAML one.
    const config = {
      version: '0.1',
      log: { level: 'info', formatter: 'json' },
      storage: { filesystem: { rootdirectory: join(directory, 'data') } },
      http: {
        addr: '127.0.0.1:0',
        ...(options.tls ? { tls: { certificate: join(directory, 'cert.pem'), key: join(directory, 'key.pem') } } : {}),
      },
      ...auth,
    }
    writeFileSync(join(directory, 'config.yml'), JSON.stringify(config))
    const process = spawn('docker-registry', ['serve', join(directory, 'config.yml')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      // It takes REGISTRY_... variables, such as podman's REGISTRY_AUTH_FILE, for its own settings.
      env: { PATH: globalThis.process.env.PATH },
    })
    const said: string[] = []
    const host = await new Promise<string>((resolve, reject) => {
      process.on('error', reject)
      setTimeout(
        () => reject(new Error(`docker-registry does not listen:\n${said.join('\n')}`)),
        PROGRAM_LIMIT_MS,
      ).unref()
      process.on('close', status => reject(new Error(`docker-registry ended with ${status}:\n${said.join('\n')}`)))
      createInterface({ input: process.stderr! }).on('line', line => {
        if (said.length < 40) said.push(line)
        const address = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1]
        if (address) resolve(address)
      })
    })
    return new TestRegistry(host, directory, process, tokens)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode } = this.#process
    const ended = exitCode ?? signalCode
    if (ended === null) {
      const exit = once(this.#process, 'exit', { signal: AbortSignal.timeout(PROGRAM_LIMIT_MS) })
      this.#process.kill()
      await exit
    }
    this.#tokens?.close()
    rmSync(this.directory, { recursive: true, force: true })
    // Tests that went wrong because of that say other things.
    if (ended !== null) throw new Error(`docker-registry ended during the tests, with ${ended}`)
  }

  /** skopeo puts an archive there: an independent client. */
  async push(archive: string, name: string, ...options: readonly string[]): Promise<void> {
    const creds = `--dest-creds=${USER}:${PASSWORD}`
    // Not synchronous: the token server is in this process.
    const target = `docker://${this.host}/${name}`
    await run('skopeo', ['copy', '--quiet', '--dest-tls-verify=false', creds, ...options, archive, target], {
      timeout: PROGRAM_LIMIT_MS,
      killSignal: 'SIGKILL',
    })
  }

  /** Puts blobs and a manifest there by the API itself, whatever they hold. */
  async put(repository: string, tag: string, manifest: Blob, blobs: readonly Blob[]): Promise<void> {
    const base = `http://${this.host}`
    for (const blob of blobs) {
      const start = await fetch(`${base}/v2/${repository}/blobs/uploads/`, { method: 'POST' })
      const location = new URL(start.headers.get('location') ?? '', base)
      location.searchParams.set('digest', blob.digest)
      const answer = await fetch(location, {
        method: 'PUT',
        body: new Uint8Array(blob.bytes),
        headers: { 'Content-Type': 'application/octet-stream' },
      })
      if (answer.status !== 201) throw new Error(`upload: ${answer.status} ${await answer.text()}`)
    }
    const url = `${base}/v2/${repository}/manifests/${tag}`
    const answer = await fetch(url, {
      method: 'PUT',
      body: new Uint8Array(manifest.bytes),
      headers: { 'Content-Type': manifest.mediaType },
    })
    if (answer.status !== 201) throw new Error(`manifest: ${answer.status} ${await answer.text()}`)
  }
}

interface TokenServer {
  readonly server: Server
  readonly requests: { parameters: URLSearchParams; authorization: string | undefined }[]
}

function makeCertificate(directory: string): void {
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=kube tests',
      '-addext',
      'subjectAltName=IP:127.0.0.1,DNS:localhost',
      '-keyout',
      join(directory, 'key.pem'),
      '-out',
      join(directory, 'cert.pem'),
    ],
    { stdio: 'ignore', timeout: PROGRAM_LIMIT_MS, killSignal: 'SIGKILL' },
  )
}

/** Signs tokens that docker-registry checks. Anonymous users may pull what is under `public/`. Source: distribution's token specification. */
async function startTokenServer(directory: string): Promise<TokenServer> {
  makeCertificate(directory)
  const key = createPrivateKey(readFileSync(join(directory, 'key.pem')))
  const certificate = new X509Certificate(readFileSync(join(directory, 'cert.pem'))).raw.toString('base64')
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const requests: TokenServer['requests'] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const query = new URL(request.url ?? '', 'http://x').searchParams
    const parameters = request.method === 'POST' ? new URLSearchParams(body) : query
    const authorization = request.headers.authorization
    requests.push({ parameters, authorization })
    const isAlice =
      authorization === `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}` ||
      parameters.get('refresh_token') === 'refresh-me'
    if ((authorization !== undefined || request.method === 'POST') && !isAlice) {
      response.writeHead(401).end('{"errors":[{"code":"UNAUTHORIZED"}]}')
      return
    }
    const [type = '', name = '', actions = ''] = (parameters.get('scope') ?? '').split(':')
    const isAllowed = isAlice || name.startsWith('public/')
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      iss: 'kube tests',
      sub: isAlice ? USER : '',
      aud: parameters.get('service'),
      exp: now + 300,
      nbf: now - 10,
      iat: now,
      jti: randomUUID(),
      access: isAllowed ? [{ type, name, actions: actions.split(',') }] : [],
    }
    const content = `${encode({ typ: 'JWT', alg: 'RS256', x5c: [certificate] })}.${encode(claims)}`
    const token = `${content}.${createSign('RSA-SHA256').update(content).sign(key).toString('base64url')}`
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify(isAlice ? { access_token: token } : { token }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, requests }
}
