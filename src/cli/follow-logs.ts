/** What all containers of an app write, as it comes, each line with its container's name. */
import type { ContainerRecord, PodRecord } from '../engine/ports.ts'
import { readLog } from '../host/logs/read-log.ts'
import type { RealHost } from './host.ts'
import { type Colour, paint } from './render.ts'
import type { Screen } from './screen.ts'

export interface FollowedLogs {
  /** Follows the containers that came since. */
  look(): void
  /** Until everything that ended containers wrote is printed. */
  drain(): Promise<void>
}

export interface FollowOptions {
  readonly host: RealHost
  readonly app: string
  readonly screen: Screen
  /** Default: no colours. */
  readonly colour?: boolean
}

const COLOURS: readonly Colour[] = ['cyan', 'yellow', 'green', 'magenta', 'blue']

export function followLogs({ host, app, screen, colour = false }: FollowOptions): FollowedLogs {
  const colours = new Map<string, Colour>()
  const followed = new Map<string, Promise<void>>()
  let width = 0

  async function follow(pod: PodRecord, known: ContainerRecord): Promise<void> {
    const name = `${pod.plan.name}/${known.name}`
    width = Math.max(width, name.length)
    const shade = colours.get(name) ?? COLOURS[colours.size % COLOURS.length]!
    colours.set(name, shade)
    const until = host.runtime.ended(known.id, known.process!)
    let text = ''
    for await (const entries of readLog(host.logFile(pod.uid, known.name, known.attempt), { until })) {
      let lines = ''
      for (const entry of entries) {
        text += entry.text.toString('utf8')
        if (!entry.isFull) continue
        lines += `${paint({ colour }, shade, `${name.padEnd(width)} |`)} ${text}\n`
        text = ''
      }
      if (lines !== '') screen.print(lines)
    }
    if (text !== '') screen.print(`${paint({ colour }, shade, `${name.padEnd(width)} |`)} ${text}\n`)
  }

  return {
    look() {
      for (const pod of host.state.pods({ app })) {
        for (const known of Object.values(pod.containers)) {
          if (known.process === undefined || known.startedAt === undefined || followed.has(known.id)) continue
          followed.set(
            known.id,
            follow(pod, known).catch(() => {}),
          )
        }
      }
    },
    async drain() {
      await Promise.all(followed.values())
    },
  }
}
