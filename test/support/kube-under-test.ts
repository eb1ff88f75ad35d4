/** The command under test, with a state root of its own and an image made of the machine's busybox. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { busyboxRootfs } from './busybox-rootfs.ts'

const top = fileURLToPath(new URL('../..', import.meta.url))

/** What every test's containers are made of. */
export const IMAGE = 'localhost/busybox:test'

export interface Result {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export class KubeUnderTest implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'kube-e2e-'))
  readonly root = join(this.directory, 'root')
  readonly runroot = join(this.directory, 'run')
  #files = 0

  constructor() {
    const tar = this.file('rootfs.tar', busyboxRootfs())
    this.ok('import', tar, IMAGE)
  }

  /** Runs a command line; it may fail. */
  run(...args: readonly string[]): Result {
    return this.runWith('', ...args)
  }

  /** The same with standard input. */
  runWith(input: string, ...args: readonly string[]): Result {
    const { status, stdout, stderr } = spawnSync(join(top, 'bin/kube'), this.#withRoots(args), {
      encoding: 'utf8',
      input,
      cwd: this.directory,
      maxBuffer: 64 * 1024 * 1024,
      timeout: 120_000,
    })
    return { status: status ?? -1, stdout, stderr }
  }

  /** Runs a command line that has to succeed; its output. */
  ok(...args: readonly string[]): string {
    const { status, stdout, stderr } = this.run(...args)
    if (status !== 0) throw new Error(`kube ${args.join(' ')}: status ${status}\n${stderr}${stdout}`)
    return stdout
  }

  /** The same while the test goes on. */
  start(...args: readonly string[]) {
    return spawn(join(top, 'bin/kube'), this.#withRoots(args), { cwd: this.directory, stdio: ['pipe', 'pipe', 'pipe'] })
  }

  #withRoots(args: readonly string[]): string[] {
    return ['--root', this.root, '--runroot', this.runroot, ...args]
  }

  /** A file in the test's own directory. */
  file(name: string, content: string | Uint8Array): string {
    const path = join(this.directory, name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, content)
    return path
  }

  /** Plays objects as an app of that name. */
  play(app: string, ...objects: readonly object[]): string {
    return this.ok('play', '--app', app, this.manifest(objects))
  }

  /** The same, when it has to fail: what it said. */
  playFails(app: string, ...objects: readonly object[]): string {
    const { status, stdout, stderr } = this.run('play', '--app', app, this.manifest(objects))
    if (status === 0) throw new Error(`kube play ${app} succeeded:\n${stdout}${stderr}`)
    return stderr
  }

  /** JSON is YAML. */
  manifest(objects: readonly object[]): string {
    return this.file(`manifest-${this.#files++}.yaml`, objects.map(object => JSON.stringify(object)).join('\n---\n'))
  }

  /** What a shell command in a container prints, without the last line's end. */
  sh(pod: string, command: string, container?: string): string {
    const where = container === undefined ? [] : ['-c', container]
    return this.ok('exec', '-q', pod, ...where, '--', 'sh', '-c', command).replace(/\n$/, '')
  }

  /** What a container has written. */
  logs(pod: string, container?: string): string {
    return this.ok('logs', pod, ...(container === undefined ? [] : ['-c', container]))
  }

  /** An object with its status. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into objects of every kind.
  get(kind: string, name: string): any {
    return JSON.parse(this.ok('get', kind, name, '-o', 'json'))
  }

  down(app: string): void {
    this.ok('down', '--grace-period', '0', app)
  }

  /** Asks for the pod until its phase is this one. */
  waitForPhase(name: string, phase: string): void {
    const end = Date.now() + 30_000
    for (;;) {
      const now = this.get('pod', name).status.phase
      if (now === phase) return
      if (Date.now() > end) throw new Error(`pod ${name} is ${now}, not ${phase}`)
    }
  }

  /** Takes every app away, and fails when something of it is left. */
  [Symbol.dispose](): void {
    const failures = this.#apps()
      .map(app => this.run('down', '--grace-period', '0', app))
      .filter(({ status }) => status !== 0)
    const left = execFileSync('findmnt', ['-rno', 'TARGET'], { encoding: 'utf8' })
      .split('\n')
      .filter(path => path.startsWith(`${this.directory}/`))
    // With something still mounted, removing would reach into it.
    if (failures.length > 0 || left.length > 0)
      throw new Error(
        `left in ${this.directory}: ${failures.map(({ stderr }) => stderr).join('')}mounts: ${left.join(' ')}`,
      )
    rmSync(this.directory, { recursive: true, force: true })
  }

  #apps(): readonly string[] {
    const rows = JSON.parse(this.ok('ps', '-a', '-o', 'json')) as readonly { readonly app: string }[]
    return [...new Set(rows.map(row => row.app))]
  }
}

interface PodParts {
  readonly name?: string
  readonly labels?: object
  readonly annotations?: object
  readonly container?: object
  readonly spec?: object
}

/** A pod with one container that sleeps until it is told to stop, changed by what a test is about. */
export function pod(name: string, { labels, annotations, container, spec }: PodParts = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image: IMAGE, imagePullPolicy: 'Never', command: ['sleep', '1000'], ...container }],
      ...spec,
    },
  }
}

/** Another container for such a pod. */
export function container(name: string, parts: object = {}): object {
  return { name, image: IMAGE, imagePullPolicy: 'Never', command: ['sleep', '1000'], ...parts }
}

export function configMap(name: string, data: object, parts: object = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data, ...parts }
}

export function secret(name: string, stringData: object, parts: object = {}): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData, ...parts }
}
