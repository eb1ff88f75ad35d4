/**
 * Fingerprints of texts: for noticing changes and making up names, not for trust. node:crypto would take a command
 * longer to load than everything it would hash.
 */

const C1 = 0x239b961b
const C2 = 0xab0e9789
const C3 = 0x38b34ae5
const C4 = 0xa1e38b93
/** Code units of a block of 16 bytes. */
const BLOCK = 8

/**
 * 32 hex digits: MurmurHash3, x86, 128 bits, over the text's UTF-16 code units, low byte first. Other seeds give
 * independent ones. Source: github.com/aappleby/smhasher, MurmurHash3.cpp.
 */
export function fingerprint(text: string, seed = 0): string {
  let h1 = seed
  let h2 = seed
  let h3 = seed
  let h4 = seed
  const blocks = text.length - (text.length % BLOCK)
  for (let i = 0; i < blocks; i += BLOCK) {
    h1 ^= mixed(word(text, i), C1, C2, 15)
    h1 = (Math.imul(rotated(h1, 19) + h2, 5) + 0x561ccd1b) | 0
    h2 ^= mixed(word(text, i + 2), C2, C3, 16)
    h2 = (Math.imul(rotated(h2, 17) + h3, 5) + 0x0bcaa747) | 0
    h3 ^= mixed(word(text, i + 4), C3, C4, 17)
    h3 = (Math.imul(rotated(h3, 15) + h4, 5) + 0x96cd1c35) | 0
    h4 ^= mixed(word(text, i + 6), C4, C1, 18)
    h4 = (Math.imul(rotated(h4, 13) + h1, 5) + 0x32ac3b17) | 0
  }
  // Words beyond the end are 0 and change nothing.
  h4 ^= mixed(word(text, blocks + 6), C4, C1, 18)
  h3 ^= mixed(word(text, blocks + 4), C3, C4, 17)
  h2 ^= mixed(word(text, blocks + 2), C2, C3, 16)
  h1 ^= mixed(word(text, blocks), C1, C2, 15)
  const bytes = text.length * 2
  h1 ^= bytes
  h2 ^= bytes
  h3 ^= bytes
  h4 ^= bytes
  h1 = (h1 + h2 + h3 + h4) | 0
  h2 = (h2 + h1) | 0
  h3 = (h3 + h1) | 0
  h4 = (h4 + h1) | 0
  h1 = avalanche(h1)
  h2 = avalanche(h2)
  h3 = avalanche(h3)
  h4 = avalanche(h4)
  h1 = (h1 + h2 + h3 + h4) | 0
  return hex(h1) + hex(h2 + h1) + hex(h3 + h1) + hex(h4 + h1)
}

/** Two code units as one word; those beyond the end are 0. */
function word(text: string, at: number): number {
  if (at + 1 < text.length) return text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16)
  return at < text.length ? text.charCodeAt(at) : 0
}

function rotated(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

function mixed(value: number, before: number, after: number, bits: number): number {
  return Math.imul(rotated(Math.imul(value, before), bits), after)
}

function avalanche(value: number): number {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0')
}
