/** The env file format of `fileKeyRef`: a strict subset of a shell's. Source: Kubernetes KEP-3721. */
import { KubeError } from '../diagnostic.ts'

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/**
 * `NAME='VALUE'` lines, with blanks around `=` and after the value ignored; the value may span lines and is taken literally
 * up to its closing quote. Blank lines and comments are skipped. Fails with `InvalidEnvFile`; `source` names the file in the message.
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
    const name = head.slice(0, equals).trim()
    const rest = head.slice(equals + 1)
    const opening = rest.indexOf("'")
    if (equals < 0 || !NAME.test(name) || opening < 0 || rest.slice(0, opening).trim() !== '') {
      throw new KubeError('InvalidEnvFile', `${source}: line ${line} is not of the form NAME='VALUE'`)
    }
    const start = at + equals + 1 + opening + 1
    const close = text.indexOf("'", start)
    if (close < 0) throw new KubeError('InvalidEnvFile', `${source}: the quote opened on line ${line} is never closed`)
    const next = lineEnd(text, close)
    const after = text.slice(close + 1, next).trim()
    if (after !== '' && !after.startsWith('#')) {
      throw new KubeError('InvalidEnvFile', `${source}: line ${line}: text after the closing quote`)
    }
    const value = text.slice(start, close)
    variables.set(name, value)
    line += value.split('\n').length
    at = next + 1
  }
  return variables
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}
