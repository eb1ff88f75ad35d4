/** YAML that is no manifest: settings of the machine. */
import { parse } from 'yaml'

/** The only document of a text. Throws what `yaml` throws. */
export function parseYaml(text: string): unknown {
  return parse(text)
}
