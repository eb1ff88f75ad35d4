/** An image store in a directory of its own, for one test file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openImageStore } from '../../src/host/images/store.ts'
import type { Image, ImageStore } from '../../src/host/images/types.ts'

export class TemporaryStore implements Disposable {
  readonly directory: string
  readonly root: string
  readonly store: ImageStore
  #files = 0

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'kube-images-'))
    this.root = join(this.directory, 'root')
    this.store = openImageStore(this.root)
  }

  [Symbol.dispose](): void {
    this.store.close()
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** A file beside the store. */
  file(bytes: Uint8Array): string {
    const path = join(this.directory, `file-${this.#files++}`)
    writeFileSync(path, bytes)
    return path
  }

  /** Imports one layer; returns the directory it became. */
  async import(bytes: Uint8Array): Promise<string> {
    const image = await this.store.importRootfs(this.file(bytes), `test:${this.#files}`)
    return this.topLayer(image)
  }

  /** The directory of an image's uppermost layer. */
  topLayer(image: Image): string {
    const { layersDir, names } = this.store.lowerDirs(image)
    return join(layersDir, names[0] ?? '')
  }
}
