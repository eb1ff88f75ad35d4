/** What is wrong with an app, for whoever waited for it: which container, its last probe error, its last lines. */
import { existsSync } from 'node:fs'
import type { PodRecord } from '../engine/ports.ts'
import { readLog } from '../host/logs/read-log.ts'
import type { WireContainerStatus } from '../status/container-status.ts'
import type { PodObject } from '../status/pod-object.ts'
import { viewApp } from './app-view.ts'
import type { Io } from './context.ts'
import type { RealHost } from './host.ts'

/** Lines of each container's log. */
const LOG_LINES = 10

/** To standard error, for each container that is not as it should be. */
export async function reportTroubles(host: RealHost, app: string, io: Io): Promise<void> {
  const records = new Map(host.state.pods({ app }).map(record => [record.uid, record]))
  for (const pod of viewApp(host, app).pods) {
    const record = records.get(pod.metadata.uid ?? '')
    if (!record || pod.status.phase === 'Succeeded') continue
    for (const status of [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])]) {
      const trouble = troubleOf(pod, status)
      if (trouble === undefined) continue
      io.err(`  pod ${pod.metadata.name}: container ${status.name}: ${trouble}\n`)
      const probe = probeErrorOf(record, status.name)
      if (probe !== undefined) io.err(`    last probe: ${probe}\n`)
      for (const line of await lastLines(host, record, status.name)) io.err(`    | ${line}\n`)
    }
    if (pod.status.reason) io.err(`  pod ${pod.metadata.name}: ${pod.status.reason}: ${pod.status.message ?? ''}\n`)
  }
}

/** `undefined` for one that is as it should be. */
function troubleOf(pod: PodObject, { state, lastState, ready, name }: WireContainerStatus): string | undefined {
  const { waiting, terminated, running } = state ?? {}
  const isInit = pod.spec.initContainers?.some(init => init.name === name && init.restartPolicy !== 'Always')
  if (terminated) {
    if (terminated.exitCode === 0) return undefined
    return `${terminated.reason}, exit status ${terminated.exitCode}${after(terminated.message)}`
  }
  if (waiting) {
    const last = lastState?.terminated
    const how = last === undefined ? '' : `; it ended with status ${last.exitCode} (${last.reason})`
    return `${waiting.reason}${after(waiting.message)}${how}`
  }
  if (running && !ready) return isInit ? 'is still running' : 'is running, not ready'
  return undefined
}

function after(message: string | undefined): string {
  return message === undefined || message === '' ? '' : `: ${message.trim()}`
}

function probeErrorOf(record: PodRecord, name: string): string | undefined {
  const probes = record.containers[name]?.lifecycle?.probes ?? {}
  const [kind, tally] = Object.entries(probes).find(([, probe]) => probe.failures > 0) ?? []
  return tally?.message === undefined ? undefined : `${kind}: ${tally.message}`
}

/** The end of what a container wrote; of the run before, where this one has no log yet. */
export async function lastLines(host: RealHost, record: PodRecord, name: string): Promise<readonly string[]> {
  const attempt = record.containers[name]?.attempt ?? 0
  const current = host.logFile(record.uid, name, attempt)
  const lines: string[] = []
  let text = ''
  for await (const entries of readLog(existsSync(current) ? current : host.logFile(record.uid, name, attempt - 1), {
    tail: LOG_LINES,
  })) {
    for (const entry of entries) {
      text += entry.text.toString('utf8')
      if (!entry.isFull) continue
      lines.push(text)
      text = ''
    }
  }
  return text === '' ? lines : [...lines, text]
}
