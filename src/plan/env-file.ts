/** The env file format of `fileKeyRef`: a strict subset of a shell's. Source: Kubernetes KEP-3721. */
import { KubeError } from '../diagnostic.ts'

/**
 * `NAME='VALUE'` lines; the value may span lines and is taken literally up to its closing quote. Blank lines, comments, and
 * blanks before the name and after the value are skipped; with blanks after `=` the value is empty, as in a shell. Of a
 * name that comes again the first value counts. Fails with `InvalidEnvFile`; `source` names the file in the message.
 */
export function parseEnvFile(text: string, source: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>()
  let at = 0
  let line = 1
  while (at < text.length) {
    const end = lineEnd(text, at)
    const head = text.slice(at, end)
    const trimmed = head.trim()
    if (trimmed === '' || trimmed.startsWith('#')) {
      at = end + 1
      line++
      continue
    }
    const equals = head.indexOf('=')
    const name = head.slice(0, Math.max(0, equals)).trimStart()
    const rest = head.slice(equals + 1)
    const isEmpty = /^[ \t]/.test(rest)
    if (equals < 0 || name === '' || /[ \t]$/.test(name) || (!isEmpty && !rest.startsWith("'"))) {
      throw new KubeError('InvalidEnvFile', `${source}: line ${line} is not of the form NAME='VALUE'`)
    }
    if (isEmpty) {
      if (!variables.has(name)) variables.set(name, '')
      at = end + 1
      line++
      continue
    }
    const start = at + equals + 2
    const close = text.indexOf("'", start)
    if (close < 0) throw new KubeError('InvalidEnvFile', `${source}: the quote opened on line ${line} is never closed`)
    const next = lineEnd(text, close)
    const after = text.slice(close + 1, next).trim()
    if (after !== '' && !after.startsWith('#')) {
      throw new KubeError('InvalidEnvFile', `${source}: line ${line}: text after the closing quote`)
    }
    const value = text.slice(start, close)
    if (!variables.has(name)) variables.set(name, value)
    line += value.split('\n').length
    at = next + 1
  }
  return variables
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}
