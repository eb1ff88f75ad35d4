/** Words that every layer shares: where something is in a manifest, what is wrong with it, and how a run-time failure is told. */

/** A place in a text: line and column, both counted from 1, the column in UTF-16 code units. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** The way to a field from the root of its object: property names and list indexes. */
export type FieldPath = readonly (string | number)[]

export type Severity = 'error' | 'warning' | 'notice'

/**
 * One finding about a manifest. It is data, never thrown: all findings of a file are reported at once. `message` holds
 * neither path nor position (the renderer adds them once) and uses the API server's wording.
 */
export interface Diagnostic {
  readonly severity: Severity
  /** Stable, e.g. `FieldValueRequired`; the API server's cause types where it has one. `kube explain CODE` documents each. */
  readonly code: string
  readonly message: string
  readonly path: FieldPath
  /** The name of the text: a file path as the user gave it, or `-` for standard input. */
  readonly file?: string
  /** Which document of the file, counted from 0. */
  readonly document?: number
  readonly position?: Position
  /** What to do about it, when that is known ("did you mean"). */
  readonly hint?: string
  /** Whether the place holds a secret, so that its line must not be shown. */
  readonly isSecret?: boolean
}

/** The path as the API server prints it: `spec.containers[0].image`, `metadata.labels[app.kubernetes.io/name]`. */
export function formatPath(path: FieldPath): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[A-Za-z_$][\w$-]*$/.test(step)) text += text === '' ? step : `.${step}`
    else text += `[${step}]`
  }
  return text
}

/**
 * How a command ended, as its exit status: 0 done, 1 failed, 2 usage or manifest wrong; 125, 126 and 127 as podman and
 * the shell use them where a command runs another one.
 */
export type ExitStatus = 0 | 1 | 2 | 125 | 126 | 127

export interface KubeErrorOptions {
  /** The step below this one that failed. */
  readonly cause?: unknown
  /** What the user can do, as one sentence. */
  readonly hint?: string
  /** Default 1. */
  readonly exitStatus?: ExitStatus
  /** For a wrong manifest: every finding. */
  readonly diagnostics?: readonly Diagnostic[]
  /** What else the user should know, one line each: what was rolled back, what could not be. */
  readonly notes?: readonly string[]
}

/**
 * A failure at run time. `message` names the step and its object ("pod web: attach to network kube"), `cause` the step
 * below. `code` is stable: tests and callers match on it, never on the text.
 */
export class KubeError extends Error {
  override readonly name = 'KubeError'
  readonly code: string
  readonly hint: string | undefined
  readonly exitStatus: ExitStatus
  readonly diagnostics: readonly Diagnostic[]
  readonly notes: readonly string[]

  constructor(code: string, message: string, options: KubeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.exitStatus = options.exitStatus ?? 1
    this.diagnostics = options.diagnostics ?? []
    this.notes = options.notes ?? []
  }
}

/** Wraps any failure with the step it happened in, keeping the code of a KubeError below. */
export function during(step: string, cause: unknown): KubeError {
  const code = cause instanceof KubeError ? cause.code : (errnoOf(cause) ?? 'Failed')
  const hint = cause instanceof KubeError ? cause.hint : undefined
  return new KubeError(code, step, { cause, ...(hint === undefined ? {} : { hint }) })
}

/** The message of a failure and of all its causes, `step: object: cause`. */
export function causeChain(error: unknown): string {
  const parts: string[] = []
  for (let at: unknown = error, depth = 0; at !== undefined && depth < 16; depth++) {
    if (!(at instanceof Error)) {
      parts.push(String(at))
      break
    }
    parts.push(databaseWords(at) ?? at.message)
    at = at.cause
  }
  return parts.join(': ')
}

/** What SQLite's result codes mean to a user. Source: sqlite.org/rescode.html. */
function databaseWords(error: Error): string | undefined {
  if (!('errcode' in error)) return undefined
  const words: Readonly<Record<number, string>> = {
    5: 'the records are in use by another command',
    8: 'the records cannot be written: is their disk read-only?',
    10: 'the records cannot be read or written: is the disk full?',
    11: 'the records are damaged',
    13: 'no space left on the disk that holds the records',
  }
  return words[Number(error.errcode) & 0xff]
}

/** `ENOENT` and friends of a Node.js system error. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}
