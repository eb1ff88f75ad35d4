/** For tests of the manifest rules: YAML in, what is wrong with it out, one line each. */
import { formatPath } from '../../src/diagnostic.ts'
import { readManifests } from '../../src/manifest/read.ts'

/** `path: message` of every error, in the order of their places. */
export async function errorsIn(text: string): Promise<readonly string[]> {
  const { diagnostics } = await readManifests([{ name: 'test.yaml', text }])
  return diagnostics
    .filter(diagnostic => diagnostic.severity === 'error' && diagnostic.code !== 'FieldNotSupported')
    .map(({ code, path, message }) => (code === 'FieldUnknown' ? message : `${formatPath(path)}: ${message}`))
}

/** `line:column` of every error. */
export async function placesIn(text: string): Promise<readonly string[]> {
  const { diagnostics } = await readManifests([{ name: 'test.yaml', text }])
  return diagnostics
    .filter(diagnostic => diagnostic.severity === 'error' && diagnostic.code !== 'FieldNotSupported')
    .map(({ position }) => `${position?.line}:${position?.column}`)
}

/** The text with each line moved right, for a place in a larger one. */
export function indented(text: string, spaces: number): string {
  const pad = ' '.repeat(spaces)
  return text
    .trimEnd()
    .split('\n')
    .map(line => pad + line)
    .join('\n')
}
