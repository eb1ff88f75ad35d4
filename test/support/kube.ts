/** `kube` for a suite whose tests wait for its commands, and so can run at the same time. */
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { CoreV1Event } from '@kubernetes/client-node'
import { eventually } from './eventually.ts'
import { Instance, type InstanceOptions, type StartOptions, succeeded } from './instance.ts'
import { containerOf, type ObjectViews } from './object-views.ts'
import type { Outcome } from './running-command.ts'

/** Called in a suite: there from before its first test until after its last, when nothing may be left of it. */
export function useKube(options: InstanceOptions = {}): Kube {
  const kube = new Kube(options)
  before(() => kube.open())
  after(() => kube.close())
  return kube
}

export class Kube extends Instance {
  /** Runs a command to its end, however it ends. */
  run(args: readonly string[], options: StartOptions = {}): Promise<Outcome> {
    return this.finish(args, options)
  }

  /** Its standard output; fails unless it ends with status 0. */
  async ok(args: readonly string[], options: StartOptions = {}): Promise<string> {
    return succeeded(args, await this.run(args, options))
  }

  /** What it prints with `-o json`. */
  async json<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.ok([...args, '-o', 'json'])) as T
  }

  /** Plays a manifest from standard input as the app of that name. */
  play(app: string, manifest: string): Promise<string> {
    return this.ok(['play', '--app', app, '-'], { input: manifest })
  }

  get<K extends keyof ObjectViews>(kind: K, name: string): Promise<ObjectViews[K]> {
    return this.json(['get', kind, name])
  }

  /** All of a kind, or those that a label selector takes. */
  async list<K extends keyof ObjectViews>(kind: K, selector?: string): Promise<readonly ObjectViews[K][]> {
    const which = selector === undefined ? [] : ['-l', selector]
    return (await this.json<{ readonly items: readonly ObjectViews[K][] }>(['get', kind, ...which])).items
  }

  /** `Started Container started`, of each event of an object, such as `pod/web`. */
  async eventsOf(object: string): Promise<readonly string[]> {
    const { items } = await this.json<{ readonly items: readonly CoreV1Event[] }>(['events', '--for', object])
    return items.map(({ reason, message }) => `${reason} ${message}`)
  }

  /** Waits until a container was started again so often: one that goes on crashing is seen at no certain number. */
  restarted(pod: string, times: number, container = 'main'): Promise<void> {
    return eventually(async () => {
      const status = containerOf((await this.get('pod', pod)).status, container)
      assert.ok(status.restartCount >= times, JSON.stringify(status))
    })
  }

  /** Waits for an event that begins so; all of it. An event is recorded a moment after what it tells of. */
  told(object: string, start: string): Promise<string> {
    return eventually(async () => {
      const events = await this.eventsOf(object)
      const found = events.find(event => event.startsWith(start))
      assert.ok(found !== undefined, `no event of ${object} begins with "${start}":\n${events.join('\n')}`)
      return found
    })
  }
}
