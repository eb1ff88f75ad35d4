/** The words of the support table. */

export type SupportState = 'honoured' | 'accepted' | 'refused'

/**
 * What `kube` does with each field of one definition of `schemas/definitions.json`. Every field is in exactly one of
 * the three; what is below an accepted or refused field shares its fate and is not listed.
 */
export interface DefinitionSupport {
  /** Field names, separated by spaces. */
  readonly honoured?: string
  /** Fields without a meaning on one machine, each with the reason. */
  readonly accepted?: Readonly<Record<string, string>>
  /** Fields that are errors, each with the reason: ignoring them would not be what their author wanted. */
  readonly refused?: Readonly<Record<string, string>>
}

/** By the definition's name: `V1PodSpec`. */
export type SupportTable = Readonly<Record<string, DefinitionSupport>>

/** What becomes of one field. */
export interface FieldSupport {
  readonly state: SupportState
  /** Empty for what is honoured. */
  readonly reason: string
}
