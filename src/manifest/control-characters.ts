/** Characters that YAML and JSON must not hold as they are, wherever they stand. */

/**
 * Nearly every manifest has to be searched to its end. In strings of one byte for each character, V8 compares 16 characters
 * at once with a set of at most 16: so UTF-8 is searched as such a string, by several small sets.
 */
const low = /[\0-\cH\v\f\cN\cO]/
const high = /[\cP-\c_]/
/** U+0080 to U+009F but for U+0085, U+FFFE and U+FFFF, in UTF-8, and what only few texts have of that. */
const laterStarts = ['\xc2', '\xef\xbf']
const later = /\xc2[\x80-\x84\x86-\x9f]|\xef\xbf[\xbe\xbf]/

/** Source: go-yaml's yaml_parser_update_buffer. */
const inYaml = /[\0-\cH\v\f\cN-\c_\x7f-\x84\x86-\x9f\ufffe\uffff]/
/** Source: Go's encoding/json, which is what reads a document that begins as JSON does. */
const inJson = /[\0-\cH\v\f\cN-\c_]/

/** Whether the text holds a character that YAML must not. */
export function hasControls(text: string): boolean {
  const isAscii = Buffer.byteLength(text) === text.length
  const bytes = isAscii ? text : Buffer.from(text).toString('latin1')
  if (low.test(bytes) || high.test(bytes) || bytes.includes('\x7f')) return true
  return !isAscii && laterStarts.some(start => bytes.includes(start)) && later.test(bytes)
}

/** Where the first character stands that the text, YAML or JSON, must not hold; -1: there is none. */
export function firstControl(text: string): number {
  return hasControls(text) ? text.search(/^\s*\{/.test(text) ? inJson : inYaml) : -1
}

/** go-yaml's words for it, and how it can be written. */
export function controlMessage(text: string, offset: number): string {
  const code = text.charCodeAt(offset).toString(16).toUpperCase()
  const written = code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`
  return `control characters are not allowed: in double quotes it can be written as ${written}`
}
