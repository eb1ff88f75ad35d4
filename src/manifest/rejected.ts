/** Objects that manifests define wrongly: what refers to them has no error of its own. */

/** What is known of the object; an absent part could be any, because the text that would say it cannot be read. */
export interface RejectedObject {
  readonly kind?: string
  readonly namespace?: string
  readonly name?: string
}

/** Whether one of the rejected objects is, or could be, the one of that kind, namespace and name. */
export function isRejected(rejected: readonly RejectedObject[], wanted: Required<RejectedObject>): boolean {
  return rejected.some(
    ({ kind = wanted.kind, namespace = wanted.namespace, name = wanted.name }) =>
      kind === wanted.kind && namespace === wanted.namespace && name === wanted.name,
  )
}
