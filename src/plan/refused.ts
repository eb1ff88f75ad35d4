import type { FieldPath } from '../diagnostic.ts'
import type { Finding } from '../manifest/finding.ts'

/** A field that kube cannot honour, and why. */
export function refused(path: FieldPath, reason: string): Finding {
  return { severity: 'error', code: 'FieldNotSupported', message: `Not supported: ${reason}`, path }
}
