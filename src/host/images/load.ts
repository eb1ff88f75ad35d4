import { KubeError } from '../../diagnostic.ts'
import type { IndexDb } from './index-db.ts'
import type { Layout } from './layout.ts'
import type { Image } from './types.ts'
export async function loadImages(
  _store: { readonly layout: Layout; readonly db: IndexDb },
  path: string,
  _signal?: AbortSignal,
): Promise<readonly Image[]> {
  throw new KubeError('ImageNotFound', path)
}
