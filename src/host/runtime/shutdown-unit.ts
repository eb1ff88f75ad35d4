/**
 * A transient unit of systemd that ends containers when the machine is shut down: within their grace periods, and before
 * networks and file systems go. Otherwise systemd finds them last of all, and waits a minute and a half for those that, as
 * the first process of a pid namespace, do not heed SIGTERM. Source: systemd-run(1), systemd.service(5).
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { launch } from '../sys/launch.ts'

export interface ShutdownUnit {
  /** Has systemd make it, if it isn't there; doesn't wait for that. */
  ensure(): void
  /** Nothing is left to be ended. Has systemd forget it, and doesn't wait for that either. */
  remove(): Promise<void>
}

export interface ShutdownOptions {
  /** Holds the unit's name. */
  readonly file: string
  /** The beginning of the unit's name. */
  readonly name: string
  /** Must still be mounted while the command runs. */
  readonly directory: string
  /** Ends the containers. */
  readonly command: readonly string[]
}

/** Where systemd keeps the units that live until the next boot. */
const TRANSIENT = '/run/systemd/transient'

/** Undefined where systemd does not run the machine, or not for this user. */
export function openShutdownUnit(options: ShutdownOptions): ShutdownUnit | undefined {
  if (process.getuid?.() !== 0 || !existsSync('/run/systemd/system')) return undefined
  const { file } = options
  return {
    ensure() {
      if (isThere(file)) return
      // Each has a name of its own: the one before may still be on its way out.
      const unit = `${options.name}-${process.pid}-${Date.now().toString(36)}.service`
      writeFileSync(file, unit, { mode: 0o600 })
      void background('systemd-run', unitArguments(unit, options))
    },
    async remove() {
      const named = nameIn(file)
      rmSync(file, { force: true })
      // Also those of a run-time state that was deleted. A command that begins now writes its unit's name before it makes the unit.
      const units = new Set(unitsNamed(options.name, transientUnits()))
      if (named !== undefined) units.add(named)
      units.delete(nameIn(file) ?? '')
      if (units.size > 0) await background('systemctl', ['stop', '--no-block', '--quiet', ...units])
    },
  }
}

/**
 * What systemd-run is told. The command runs when the unit is stopped, but does its work only when the machine stops. After
 * `remove` there is no file, and the shell starts nothing at all.
 */
export function unitArguments(unit: string, { file, directory, command }: ShutdownOptions): readonly string[] {
  const isStopping = `[ -e ${shellQuoted(file)} ] && systemctl is-system-running | grep -q stopping`
  const script = `${isStopping} && exec ${command.map(shellQuoted).join(' ')}; exit 0`
  return [
    '--quiet',
    '--collect',
    '--no-block',
    `--unit=${unit}`,
    `--description=Ends the containers of kube in ${directory} before a shutdown`,
    '--property=Type=oneshot',
    '--property=RemainAfterExit=yes',
    `--property=RequiresMountsFor=${quoted(directory)}`,
    '--property=After=network.target',
    `--property=ExecStop=${['/bin/sh', '-c', script].map(quoted).join(' ')}`,
    'true',
  ]
}

/** Which of the units `ensure` has made for this name, such as `kube`: not those of `kube-1f2e3d`. */
export function unitsNamed(name: string, units: readonly string[]): readonly string[] {
  return units.filter(
    unit => unit.startsWith(`${name}-`) && /^\d+-[0-9a-z]+\.service$/.test(unit.slice(name.length + 1)),
  )
}

function transientUnits(): readonly string[] {
  try {
    return readdirSync(TRANSIENT)
  } catch {
    return []
  }
}

/** One word of a unit's setting, in which a dollar sign begins a variable. */
function quoted(word: string): string {
  return `"${word.replaceAll(/["\\]/g, '\\$&').replaceAll('$', '$$$$')}"`
}

function shellQuoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

function isThere(file: string): boolean {
  const unit = nameIn(file)
  return unit !== undefined && existsSync(`${TRANSIENT}/${unit}`)
}

function nameIn(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8') || undefined
  } catch {
    return undefined
  }
}

/** Returns when the program has begun. Without it pods run as well: what fails there is nobody's business. */
async function background(program: string, args: readonly string[]): Promise<void> {
  await launch({ program, args, files: [null, null, null] }).catch(() => {})
}
