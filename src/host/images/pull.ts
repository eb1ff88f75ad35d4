import { KubeError } from '../../diagnostic.ts'
import type { IndexDb } from './index-db.ts'
import type { Layout } from './layout.ts'
import type { Image, PullOptions } from './types.ts'
export async function pullImage(
  _store: { readonly layout: Layout; readonly db: IndexDb },
  reference: string,
  _options: PullOptions,
): Promise<Image> {
  throw new KubeError('ImageNotFound', reference)
}
