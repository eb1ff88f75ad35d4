/** The live status: a line for each pod. */
import type { PodObject } from '../status/pod-object.ts'
import { podRow } from '../status/pod-row.ts'
import type { Io } from './context.ts'
import { type Colour, paint, table } from './render.ts'

/** Pods that get a line; of more, only how many. */
const SHOWN = 12

export function statusLines(pods: readonly PodObject[], io: Pick<Io, 'colour'>): readonly string[] {
  const rows = pods.slice(0, SHOWN).map(pod => {
    const { ready, status, restarts } = podRow(pod)
    return [pod.metadata.name, ready, status, String(restarts)]
  })
  const lines = table(['POD', 'READY', 'STATUS', 'RESTARTS'], rows).trimEnd().split('\n')
  const more = pods.length > SHOWN ? [`and ${pods.length - SHOWN} more`] : []
  return [
    ...lines.map((line, i) => (i === 0 ? paint(io, 'bold', line) : paint(io, colourOf(pods[i - 1]!), line))),
    ...more,
  ]
}

function colourOf(pod: PodObject): Colour {
  if (pod.status.phase === 'Succeeded') return 'grey'
  if (pod.status.phase === 'Failed') return 'red'
  return pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ? 'green' : 'yellow'
}
