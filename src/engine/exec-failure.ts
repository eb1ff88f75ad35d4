/** Commands that could not be executed although the OCI runtime had started them. */
import { closeSync, openSync, readSync } from 'node:fs'
import { execFailureOf, parseLogLine } from '../status/cri-log.ts'

/** The status of a container whose command could not be started. Source: containerd, pkg/cri, and the shells' habit. */
export const START_ERROR_STATUS = 128
/** What the OCI runtime's process ends with when it cannot become the command. */
export const EXEC_FAILURE_STATUS = 1

/** More than one line of the OCI runtime takes up. */
const LINE_BYTES = 8 * 1024
const LINE_FEED = 10

/** What the OCI runtime wrote in the command's place, when it wrote that and nobody wrote anything else. */
export function execFailure(logFile: string): string | undefined {
  let fd: number
  try {
    fd = openSync(logFile, 'r')
  } catch {
    return undefined
  }
  try {
    const buffer = Buffer.allocUnsafe(LINE_BYTES)
    const log = buffer.subarray(0, readSync(fd, buffer, 0, LINE_BYTES, 0))
    const end = log.indexOf(LINE_FEED)
    if (end < 0 || end !== log.length - 1) return undefined
    const entry = parseLogLine(log.subarray(0, end))
    return entry && execFailureOf(entry)
  } finally {
    closeSync(fd)
  }
}
