/** The progress of one pull on a terminal: a line for each layer, drawn over as it changes. */
import type { PullProgress } from '../host/images/types.ts'
import type { Io } from './context.ts'
import { bytes } from './image-words.ts'

/** Milliseconds between two drawings: faster is not seen. */
const REDRAW_MS = 80

export class PullDisplay implements Disposable {
  readonly #io: Io
  readonly #isOn: boolean
  readonly #layers = new Map<string, PullProgress>()
  #lines = 0
  #drawnAt = 0

  constructor(io: Io, name: string, isOn: boolean) {
    this.#io = io
    this.#isOn = isOn
    if (isOn) io.err(`pulling ${name}\n`)
  }

  show(progress: PullProgress): void {
    if (!this.#isOn) return
    this.#layers.set(progress.layer, progress)
    const isEnd = progress.state === 'done' || progress.state === 'present'
    if (isEnd || performance.now() - this.#drawnAt >= REDRAW_MS) this.#draw()
  }

  [Symbol.dispose](): void {
    if (this.#isOn && this.#layers.size > 0) this.#draw()
  }

  #draw(): void {
    this.#drawnAt = performance.now()
    const lines = [...this.#layers.values()].map(layer => lineOf(layer).slice(0, Math.max(this.#io.columns - 1, 20)))
    const up = this.#lines === 0 ? '' : `\u001b[${this.#lines}A`
    this.#io.err(`${up}${lines.map(line => `\r\u001b[K${line}\n`).join('')}`)
    this.#lines = lines.length
  }
}

function lineOf({ layer, state, doneBytes, totalBytes }: PullProgress): string {
  const name = layer.replace('sha256:', '').slice(0, 12)
  if (state !== 'pulling') return `${name}  ${state}`
  const of =
    totalBytes === undefined
      ? ''
      : ` of ${bytes(totalBytes)}  ${Math.floor((100 * doneBytes) / Math.max(totalBytes, 1))}%`
  return `${name}  ${bytes(doneBytes)}${of}`
}
