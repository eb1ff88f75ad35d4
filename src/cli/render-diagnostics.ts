/** Findings about manifests, for people, programs and CI. */
import { type Diagnostic, formatPath, type Severity } from '../diagnostic.ts'
import type { ManifestText } from '../manifest/types.ts'
import { type Colour, paint } from './render.ts'

interface Paper {
  readonly colour: boolean
}

const colours: Readonly<Record<Severity, Colour>> = { error: 'red', warning: 'yellow', notice: 'cyan' }

/** The longest part of a source line that is shown, in UTF-16 code units. */
const maxLineLength = 160

/**
 * Each finding with its source line and a caret:
 *
 *     web.yaml:12:9: error: spec.containers[0].image: Required value [FieldValueRequired]
 *       12 |       - name: web
 *          |         ^
 */
export function renderDiagnostics(
  io: Paper,
  diagnostics: readonly Diagnostic[],
  texts: readonly ManifestText[],
): string {
  const lines = new Map<string, readonly string[]>()
  const lineOf = (diagnostic: Diagnostic): string | undefined => {
    const { file, position } = diagnostic
    if (file === undefined || position === undefined || diagnostic.isSecret === true) return undefined
    let known = lines.get(file)
    if (known === undefined) {
      known = texts.find(text => text.name === file)?.text.split('\n') ?? []
      lines.set(file, known)
    }
    return known[position.line - 1]
  }
  return diagnostics.map(diagnostic => renderOne(io, diagnostic, lineOf(diagnostic))).join('')
}

function renderOne(io: Paper, diagnostic: Diagnostic, source: string | undefined): string {
  const { severity, message, code, hint, position } = diagnostic
  const path = pathOf(diagnostic)
  const place = placeOf(diagnostic)
  const label = paint(io, colours[severity], `${severity}:`)
  let text = `${paint(io, 'bold', printable(place))}${label} ${printable(`${path}${message}`)} ${paint(io, 'grey', `[${code}]`)}\n`
  if (source !== undefined && position !== undefined) text += excerpt(io, source, position.line, position.column)
  if (hint !== undefined) text += `  ${paint(io, 'green', 'hint:')} ${printable(hint)}\n`
  return text
}

/** The path before the message, unless the message names it, as the API server's does for an unknown field. */
function pathOf({ path, message }: Diagnostic): string {
  const text = formatPath(path)
  return text === '' || message.includes(JSON.stringify(text)) ? '' : `${text}: `
}

function placeOf({ file, position }: Diagnostic): string {
  if (file === undefined) return ''
  return position === undefined ? `${file}: ` : `${file}:${position.line}:${position.column}: `
}

function excerpt(io: Paper, source: string, line: number, column: number): string {
  const start = column <= maxLineLength ? 0 : column - Math.floor(maxLineLength / 2)
  const shown = source.slice(start, start + maxLineLength).trimEnd()
  if (shown === '') return ''
  const number = String(line)
  const bar = paint(io, 'blue', '|')
  // Tabs stay tabs, so that the caret stands below its place whatever their width is.
  const before = shown.slice(0, column - 1 - start).replace(/[^\t]/g, ' ')
  const pad = ' '.repeat(number.length)
  return `  ${paint(io, 'blue', number)} ${bar} ${printable(shown)}\n  ${pad} ${bar} ${before}${paint(io, 'red', '^')}\n`
}

/** What a manifest holds must not drive the terminal. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\t]/gu, char => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** For programs: whether all is well, and each finding. */
export function diagnosticsJson(diagnostics: readonly Diagnostic[]): string {
  const ok = !diagnostics.some(diagnostic => diagnostic.severity === 'error')
  const list = diagnostics.map(({ severity, code, path, message, file, position, document, hint }) => ({
    severity,
    code,
    path: formatPath(path),
    message,
    file,
    line: position?.line,
    column: position?.column,
    document,
    hint,
  }))
  return `${JSON.stringify({ ok, diagnostics: list }, undefined, 2)}\n`
}

const workflowCommands: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', notice: 'notice' }

/** GitHub's workflow commands, which it shows beside the lines of a change. Source: docs.github.com, workflow commands. */
export function diagnosticsGithub(diagnostics: readonly Diagnostic[]): string {
  return diagnostics
    .map(diagnostic => {
      const { severity, position, file, code } = diagnostic
      const properties = [
        ...(file === undefined ? [] : [`file=${escapeProperty(file)}`]),
        ...(position === undefined ? [] : [`line=${position.line}`, `col=${position.column}`]),
        `title=${escapeProperty(code)}`,
      ]
      return `::${workflowCommands[severity]} ${properties.join(',')}::${escapeData(sentence(diagnostic))}\n`
    })
    .join('')
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}

function sentence(diagnostic: Diagnostic): string {
  const { message, hint } = diagnostic
  return `${pathOf(diagnostic)}${message}${hint === undefined ? '' : ` (${hint})`}`
}

const sarifLevels: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', notice: 'note' }

/** SARIF 2.1.0, for code scanning. `meaningOf` documents the codes that occur. */
export function diagnosticsSarif(
  diagnostics: readonly Diagnostic[],
  version: string,
  meaningOf: (code: string) => string | undefined,
): string {
  const codes = [...new Set(diagnostics.map(diagnostic => diagnostic.code))].toSorted()
  const rules = codes.map(id => {
    const meaning = meaningOf(id)
    return { id, ...(meaning === undefined ? {} : { shortDescription: { text: meaning } }) }
  })
  const results = diagnostics.map(diagnostic => {
    const { code, severity, file, position } = diagnostic
    const region = position === undefined ? {} : { region: { startLine: position.line, startColumn: position.column } }
    const physicalLocation = { artifactLocation: { uri: uriOf(file ?? '-') }, ...region }
    return {
      ruleId: code,
      ruleIndex: codes.indexOf(code),
      level: sarifLevels[severity],
      message: { text: sentence(diagnostic) },
      locations: [{ physicalLocation }],
    }
  })
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver: { name: 'kube', version, rules } }, columnKind: 'utf16CodeUnits', results }],
  }
  return `${JSON.stringify(log, undefined, 2)}\n`
}

function uriOf(file: string): string {
  if (/^https?:\/\//.test(file)) return file
  return file.split('/').map(encodeURIComponent).join('/')
}
