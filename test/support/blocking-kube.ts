/** `kube` for a suite whose tests run one after the other and have nothing else to do while a command runs. */
import { after, before } from 'node:test'
import { Instance, type InstanceOptions, succeeded } from './instance.ts'
import { containerOf, type ObjectViews } from './object-views.ts'
import type { Outcome } from './running-command.ts'
import { runtimePid } from './runtime-pid.ts'

/** Called in a suite: there from before its first test until after its last, when nothing may be left of it. */
export function useBlockingKube(options: InstanceOptions = {}): BlockingKube {
  const kube = new BlockingKube(options)
  before(() => kube.open())
  after(() => kube.close())
  return kube
}

export class BlockingKube extends Instance {
  /** Runs a command to its end, however it ends. */
  run(...args: readonly string[]): Outcome {
    return this.finishSync(args)
  }

  /** The same with standard input. */
  runWith(input: string, ...args: readonly string[]): Outcome {
    return this.finishSync(args, input)
  }

  /** Its standard output; fails unless it ends with status 0. */
  ok(...args: readonly string[]): string {
    return succeeded(args, this.run(...args))
  }

  /** Plays objects as the app of that name. */
  play(app: string, ...objects: readonly object[]): string {
    return this.ok('play', '--app', app, this.manifest(objects))
  }

  /** The same, when it has to fail: what it said. */
  playFails(app: string, ...objects: readonly object[]): string {
    const { status, stdout, stderr } = this.run('play', '--app', app, this.manifest(objects))
    if (status === 0) throw new Error(`kube play ${app} succeeded:\n${stdout}${stderr}`)
    return stderr
  }

  /** Takes an app away without waiting for what does not want to end. */
  down(app: string): void {
    this.ok('down', '--grace-period', '0', app)
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

  get<K extends keyof ObjectViews>(kind: K, name: string): ObjectViews[K] {
    return JSON.parse(this.ok('get', kind, name, '-o', 'json')) as ObjectViews[K]
  }

  /** A container's first process, as the machine numbers it; as the runtime has it. */
  pidOf(pod: string, container = 'main'): number {
    const { containerID = '' } = containerOf(this.get('pod', pod).status, container)
    return runtimePid(this.runroot, containerID)
  }

  /** Asks for the pod until its phase is this one. */
  waitForPhase(name: string, phase: string, limitMs = 30_000): void {
    const begun = performance.now()
    for (;;) {
      const { status } = this.get('pod', name)
      if (status.phase === phase) return
      if (performance.now() - begun > limitMs)
        throw new Error(`pod ${name} is not ${phase} within ${limitMs / 1000} s: ${JSON.stringify(status)}`)
    }
  }
}
