/** The machine as a command opens it: with a share of the state root, or with all of it. */
import { layoutOf } from '../host/layout.ts'
import { holdRoot, isResetUnderWay, shareRoot } from '../host/sys/root-hold.ts'
import { type HostOptions, openHost, type RealHost, rootsOf } from './host.ts'

export interface HeldHost extends RealHost {
  /** Whether another command takes the root apart, and has asked this one to stop. */
  isResetUnderWay(): boolean
}

/**
 * `alone`: once no other command works on the root; it is told after a while which processes are waited for. It is
 * let go of by `finish`, or when this process ends.
 */
export async function openHeldHost(
  options: HostOptions,
  alone: ((pids: readonly number[]) => void) | undefined,
): Promise<HeldHost> {
  const layout = layoutOf(rootsOf(options))
  const held = alone ? await holdRoot(layout, alone) : shareRoot(layout)
  let host: RealHost
  try {
    host = openHost(options)
  } catch (error) {
    // All of the root is kept: a reset goes on without records that cannot be opened.
    if (!alone) held[Symbol.dispose]()
    throw error
  }
  const { finish } = host
  return Object.defineProperties(host, {
    isResetUnderWay: { value: () => isResetUnderWay(layout) },
    finish: {
      async value() {
        await finish()
        held[Symbol.dispose]()
      },
    },
  }) as HeldHost
}
