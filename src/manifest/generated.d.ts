declare module '#validators/fields.js' {
  /** The properties of every definition: `string`, `V1PodSpec`, `[]V1Container`, `{}string`. Made by scripts/build-validators.ts. */
  export const fields: Readonly<Record<string, Readonly<Record<string, string>>>>
}

declare module '#validators/docs.js' {
  /** client-node's documentation of every definition. */
  export const docs: Readonly<
    Record<
      string,
      {
        readonly description: string
        readonly required: readonly string[]
        readonly fields: Readonly<Record<string, string>>
      }
    >
  >
}

declare module '#validators/*' {
  import type { Validator } from './validators.ts'
  export const validate: Validator['validate']
  export const parts: Validator['parts']
  export const marks: Validator['marks']
}
