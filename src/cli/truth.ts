/** Flags that take `true` or `false`, as Go's flags do: `--start=false`, `--tls-verify`. */
import { KubeError } from '../diagnostic.ts'

const WORDS: Readonly<Record<string, boolean>> = { true: true, t: true, '1': true, false: false, f: false, '0': false }

/** Absent stays absent. Fails with exit status 2 for any other word. Source: Go, strconv.ParseBool. */
export function truthOf(value: string | boolean | undefined, flag: string): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value
  const truth = WORDS[value.toLowerCase()]
  if (truth !== undefined) return truth
  throw new KubeError('Usage', `${flag} must be true or false, not ${JSON.stringify(value)}`, { exitStatus: 2 })
}
