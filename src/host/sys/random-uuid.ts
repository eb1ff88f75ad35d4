/** A new UUID of version 4, by the kernel: node:crypto takes milliseconds to load. Source: random(4). */
import { readFileSync } from 'node:fs'

export function randomUuid(): string {
  return readFileSync('/proc/sys/kernel/random/uuid', 'latin1').trimEnd()
}
