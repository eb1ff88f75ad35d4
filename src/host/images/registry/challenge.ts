/** The `WWW-Authenticate` header. Source: RFC 9110, section 11; distribution's token authentication specification. */

export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const PARAMETER = new RegExp(`^\\s*(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]+))\\s*`)
const SCHEME = new RegExp(`^[\\s,]*(${TOKEN})(?=\\s|,|$)`)

/** Every challenge of a header, which may hold several separated by commas. What cannot be read ends it. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: Challenge[] = []
  let rest = header
  for (;;) {
    const scheme = SCHEME.exec(rest)
    if (!scheme) return challenges
    rest = rest.slice(scheme[0].length)
    const parameters: Record<string, string> = {}
    for (;;) {
      const parameter = PARAMETER.exec(rest)
      if (!parameter) break
      parameters[parameter[1]!.toLowerCase()] = parameter[2]?.replace(/\\(.)/g, '$1') ?? parameter[3] ?? ''
      rest = rest.slice(parameter[0].length)
      if (!rest.startsWith(',')) break
      rest = rest.slice(1)
    }
    challenges.push({ scheme: scheme[1]!.toLowerCase(), parameters })
  }
}
