/** Lines of a container's log. Source: CRI log format, kubernetes pkg/kubelet/kuberuntime/logs. */

/** `TIME STREAM TAG TEXT`: TAG is `F` for the end of a line and `P` for a part of one. */
export interface LogEntry {
  /** RFC 3339 with nanoseconds and the machine's offset. */
  readonly time: string
  readonly stream: 'stdout' | 'stderr'
  /** Whether the container wrote a line feed after it. */
  readonly isFull: boolean
  readonly text: Buffer
}

const SPACE = 0x20

/** One line of the file, without its line feed; undefined when it is not in the format. */
export function parseLogLine(line: Buffer): LogEntry | undefined {
  const first = line.indexOf(SPACE)
  const second = line.indexOf(SPACE, first + 1)
  const third = line.indexOf(SPACE, second + 1)
  if (first <= 0 || second < 0) return undefined
  const stream = line.toString('latin1', first + 1, second)
  if (stream !== 'stdout' && stream !== 'stderr') return undefined
  const end = third < 0 ? line.length : third
  const tag = line.toString('latin1', second + 1, end)
  return {
    time: line.toString('latin1', 0, first),
    stream,
    isFull: tag.split(':')[0] !== 'P',
    text: third < 0 ? line.subarray(line.length) : line.subarray(third + 1),
  }
}

/** crun's words, in JSON, for a command that the kernel would not execute once everything else was done. */
const EXEC_FAILURE = /^\{"msg":"exec container process/

/** What the OCI runtime says in the command's place; undefined for anything else. */
export function execFailureOf({ text }: LogEntry): string | undefined {
  const line = text.toString('utf8').trim()
  if (!EXEC_FAILURE.test(line)) return undefined
  try {
    const { msg } = JSON.parse(line) as { readonly msg?: unknown }
    return typeof msg === 'string' ? msg : undefined
  } catch {
    return undefined
  }
}

/** Kubernetes' limits for a message that is taken from the log. */
const FALLBACK_BYTES = 2048
const FALLBACK_LINES = 80

/** The end of a log as a termination message: at most 80 lines and 2048 bytes. `log` may begin inside a line. */
export function logTail(log: Buffer): string {
  const pieces: string[] = []
  let lines = 0
  for (const line of log.toString('utf8').split('\n').toReversed()) {
    const entry = parseLogLine(Buffer.from(line))
    if (!entry) continue
    if (entry.isFull && ++lines > FALLBACK_LINES) break
    pieces.unshift(entry.text.toString('utf8') + (entry.isFull ? '\n' : ''))
  }
  const bytes = Buffer.from(pieces.join(''))
  return bytes.subarray(Math.max(0, bytes.length - FALLBACK_BYTES)).toString('utf8')
}
