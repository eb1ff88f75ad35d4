/** Service accounts' tokens of a pod's volumes: they end, and are replaced before that. */
import type { FilePlan, PodPlan } from './types.ts'

type TokenFile = Extract<FilePlan, { readonly token: object }>

export function tokenFiles(plan: PodPlan): readonly { readonly volume: string; readonly file: TokenFile }[] {
  return plan.volumes.flatMap(volume =>
    volume.kind === 'files'
      ? volume.files.flatMap(file => ('token' in file ? [{ volume: volume.name, file }] : []))
      : [],
  )
}

/** Part of its life after which a token is renewed, and the age that none gets beyond. Source: pkg/kubelet/token. */
const RENEWAL = 0.8
const LONGEST_SECONDS = 24 * 60 * 60

/** When a token is to be replaced, in milliseconds since 1970; 0 for a text that is none. */
export function tokenRenewalMs(token: string): number {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as object
    const { iat, exp } = claims as { readonly iat?: unknown; readonly exp?: unknown }
    if (typeof iat !== 'number' || typeof exp !== 'number') return 0
    return (iat + Math.min((exp - iat) * RENEWAL, LONGEST_SECONDS)) * 1000
  } catch {
    return 0
  }
}
