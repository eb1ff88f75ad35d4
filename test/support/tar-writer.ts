/** Writes tar archives byte for byte, good ones and hostile ones: nothing is checked or cleaned here. */

export interface TarWriterEntry {
  readonly path: string
  /** Type flag; default `0`, or `5` when the path ends with a slash. */
  readonly flag?: string
  readonly data?: string | Uint8Array
  readonly linkPath?: string
  /** Default 0644, for directories 0755. */
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  /** Seconds since 1970; default 1_700_000_000. */
  readonly mtime?: number
  readonly devMajor?: number
  readonly devMinor?: number
  /** Written as a pax header before the entry; values are text or bytes. */
  readonly pax?: Readonly<Record<string, string | Uint8Array>>
  /** The size field, when it shall not be that of the data. */
  readonly size?: number
}

function octal(value: number, length: number): string {
  return value.toString(8).padStart(length - 1, '0')
}

function header(entry: TarWriterEntry, flag: string, size: number): Buffer {
  const block = Buffer.alloc(512)
  const mode = entry.mode ?? (flag === '5' ? 0o755 : 0o644)
  block.write(entry.path.slice(0, 100), 0, 'latin1')
  block.write(octal(mode, 8), 100)
  block.write(octal(entry.uid ?? 0, 8), 108)
  block.write(octal(entry.gid ?? 0, 8), 116)
  block.write(octal(size, 12), 124)
  block.write(octal(entry.mtime ?? 1_700_000_000, 12), 136)
  block.write(flag, 156)
  block.write((entry.linkPath ?? '').slice(0, 100), 157, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  block.write(octal(entry.devMajor ?? 0, 8), 329)
  block.write(octal(entry.devMinor ?? 0, 8), 337)
  block.write('        ', 148)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${octal(sum, 7)}\0 `, 148)
  return block
}

function padded(data: Uint8Array): Buffer {
  return Buffer.concat([data, Buffer.alloc((512 - (data.length % 512)) % 512)])
}

/** One record: its length counts its own digits. */
function paxRecord(key: string, value: string | Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as Uint8Array), Buffer.from('\n')])
  let length = body.length
  while (String(length).length + body.length !== length) length = String(length).length + body.length
  return Buffer.concat([Buffer.from(String(length)), body])
}

/** The blocks of one entry, with a pax header where names are too long or `pax` asks for it. */
export function tarEntry(entry: TarWriterEntry): Buffer {
  const flag = entry.flag ?? (entry.path.endsWith('/') ? '5' : '0')
  const data = Buffer.from((entry.data ?? '') as Uint8Array)
  const pax: [string, string | Uint8Array][] = Object.entries(entry.pax ?? {})
  if (entry.path.length > 100) pax.push(['path', entry.path])
  if ((entry.linkPath ?? '').length > 100) pax.push(['linkpath', entry.linkPath ?? ''])
  const blocks: Buffer[] = []
  if (pax.length > 0) {
    const records = Buffer.concat(pax.map(([key, value]) => paxRecord(key, value)))
    blocks.push(header({ path: 'pax' }, 'x', records.length), padded(records))
  }
  blocks.push(header(entry, flag, entry.size ?? data.length), padded(data))
  return Buffer.concat(blocks)
}

/** A whole archive with its two blocks of zeros. */
export function tarOf(entries: readonly TarWriterEntry[]): Buffer {
  return Buffer.concat([...entries.map(tarEntry), Buffer.alloc(1024)])
}
