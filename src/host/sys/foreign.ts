/** Functions of shared libraries, by koffi. The only file that imports it. */
import { createRequire } from 'node:module'
import { getSystemErrorName } from 'node:util'
import type koffiModule from 'koffi'

type Koffi = typeof koffiModule
export interface ForeignFunction {
  (...args: unknown[]): number
  /** The same on a thread of Node.js's pool; the last argument is told the error or the result. */
  async(...args: unknown[]): void
}

let koffi: Koffi | undefined

/** Of a call on a thread of the pool: as large as koffi has it for calls on the main thread. Only what is used takes memory. */
const ASYNC_STACK_BYTES = 2 << 20

/** koffi refuses more than 256; only as many run as the pool has threads. */
const CALLS = 64

/** koffi costs milliseconds to load, so the first call does it, not the import. */
function loaded(): Koffi {
  if (koffi) return koffi
  koffi = createRequire(import.meta.url)('koffi') as Koffi
  // Its own default of 128 KiB overflows in libnftables, whose parser keeps its state there.
  koffi.config({ async_stack_size: ASYNC_STACK_BYTES })
  return koffi
}

/** A library whose functions are bound when they are first asked for, by their C prototype. */
export function library(name: string): (prototype: string) => ForeignFunction {
  let handle: ReturnType<Koffi['load']> | undefined
  const known = new Map<string, ForeignFunction>()
  return prototype => {
    const bound = known.get(prototype)
    if (bound) return bound
    handle ??= loaded().load(name)
    const made = handle.func(prototype) as unknown as ForeignFunction
    known.set(prototype, made)
    return made
  }
}

/**
 * Calls a function that takes its time on a thread of Node.js's pool. What the arguments point to is kept meanwhile. Such a
 * thread has its own namespaces: those of the main thread when the pool was first used.
 */
export async function callInPool(f: ForeignFunction, ...args: unknown[]): Promise<number> {
  if (calls >= CALLS) await new Promise<void>(resolve => waiting.push(resolve))
  else calls++
  return new Promise((resolve, reject) => {
    const done = (error: unknown, result: number) => {
      // The place is handed on.
      const next = waiting.shift()
      if (next) next()
      else calls--
      // Named here too, so that no buffer among them is collected before.
      if (error && args) reject(error as Error)
      else resolve(result)
    }
    try {
      f.async(...args, done)
    } catch (error) {
      done(error, 0)
    }
  })
}

let calls = 0
const waiting: (() => void)[] = []

/** Tells koffi of a C structure, by which prototypes may name it. */
export function defineStruct(name: string, fields: Readonly<Record<string, string>>): void {
  loaded().struct(name, fields)
}

/** The error code of the last call, such as `EBUSY`. */
export function lastErrorCode(): string {
  return getSystemErrorName(-loaded().errno())
}

/** A system error as `node:fs` throws it, for a call that failed. */
export function systemError(syscall: string, object: string): Error & { readonly code: string } {
  const code = lastErrorCode()
  return Object.assign(new Error(`${code}: ${syscall} ${object}`), { code, errno: -loaded().errno(), syscall })
}
