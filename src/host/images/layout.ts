/**
 * Where things are in the store's directory:
 *
 *     images/index.db            what there is (SQLite)
 *     images/catalog.json        what of it layers and blobs don't tell: names, and which layer is which
 *     images/blobs/sha256/HEX    manifests and configs
 *     images/l/NAME              unpacked layers; NAME is 8 hex digits, because mount(2) has one page for all lower directories
 *     images/tmp/ID/             what a running command is making; garbage when nobody holds its lock
 *     images/locks/ID            flock(2)ed while ID is in use
 */
import { join } from 'node:path'
import { makeDirectory } from '../sys/make-directory.ts'
import type { Digest } from './types.ts'

/** Under `l/`: what an image without layers is mounted from. */
export const EMPTY_LAYER = 'empty'

export interface Layout {
  readonly base: string
  readonly index: string
  readonly catalog: string
  readonly blobs: string
  readonly layers: string
  readonly tmp: string
  readonly locks: string
}

export function layoutOf(root: string): Layout {
  const base = join(root, 'images')
  return {
    base,
    index: join(base, 'index.db'),
    catalog: join(base, 'catalog.json'),
    blobs: join(base, 'blobs', 'sha256'),
    layers: join(base, 'l'),
    tmp: join(base, 'tmp'),
    locks: join(base, 'locks'),
  }
}

/** Only for root: images may hold setuid programs and other people's secrets. */
export function makeDirectories(layout: Layout): void {
  for (const path of [layout.blobs, layout.layers, layout.tmp, layout.locks]) makeDirectory(path, 0o700)
}

export function blobPath(layout: Layout, digest: Digest): string {
  return join(layout.blobs, digest.slice('sha256:'.length))
}
