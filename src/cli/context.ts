/** What a verb gets to work with, so that none of them touches the process itself. */
import type { Readable } from 'node:stream'
import type { RealHost } from './host.ts'

/** The terminal or pipe on the other side. */
export interface Io {
  out(text: string): void
  /** Text, or what a container wrote, byte for byte. */
  err(content: string | Uint8Array): void
  /** Writes to standard output as `out` does; resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>
  /** Reads standard input, or the pipe of this path, to its end. */
  readInput(path?: string): Promise<Uint8Array>
  /** Standard input as it comes. */
  input(): Readable
  readonly outIsTerminal: boolean
  readonly errIsTerminal: boolean
  readonly inIsTerminal: boolean
  /** Columns of the terminal; 80 when there is none. */
  readonly columns: number
  /** Lines of the terminal; 24 when there is none. */
  readonly rows: number
  /** Calls back at each change of the terminal's size; never where there is no terminal. */
  onResize(listener: (rows: number, columns: number) => void): void
  readonly colour: boolean
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Options that every command takes. */
export interface GlobalOptions {
  readonly root?: string
  readonly runroot?: string
  readonly runtime?: string
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly logFormat: 'text' | 'json'
}

export interface HostRequest {
  /**
   * Once no other command works on the state root, and none will. It is told, after a while, of processes that are waited for.
   * Default: others may work there, too.
   */
  readonly alone?: (pids: readonly number[]) => void
}

export interface Context {
  readonly io: Io
  readonly globals: GlobalOptions
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal
  /**
   * Opens the machine, once; closed when the command ends. Fails with `ResetUnderWay` while another command has the root
   * alone.
   */
  host(request?: HostRequest): Promise<RealHost>
  /** Starts this program again for each list of arguments, with the same global options, and does not wait for it. */
  detach(commands: readonly (readonly string[])[]): Promise<void>
  /** Sends a signal of the user's, such as SIGINT, to the program itself and not to the context: for exec and attach. */
  passSignals(to: (signal: NodeJS.Signals) => void): void
}

/** A verb: what it returns is the exit status; 0 unless it says otherwise. A container's own status can be any. */
export type Verb<Args extends readonly unknown[], Options> = (
  args: Args,
  options: Options,
  context: Context,
) => Promise<number | undefined>
