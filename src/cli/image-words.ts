/** Sizes and times as podman and docker say them. Source: docker/go-units. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** Three digits, powers of 1000: `4.5 MB`, `1.04 GB`. */
export function bytes(count: number): string {
  let value = count
  let unit = 0
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return `${Number(value.toPrecision(3))} ${UNITS[unit]}`
}

/** `3 weeks`, `About an hour`, `Less than a second`. */
export function span(milliseconds: number): string {
  const seconds = Math.floor(Math.max(milliseconds, 0) / 1000)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.round(seconds / 3600)
  if (seconds < 1) return 'Less than a second'
  if (seconds === 1) return '1 second'
  if (seconds < 60) return `${seconds} seconds`
  if (minutes === 1) return 'About a minute'
  if (minutes < 60) return `${minutes} minutes`
  if (hours === 1) return 'About an hour'
  if (hours < 48) return `${hours} hours`
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`
  return `${Math.floor(hours / 24 / 365)} years`
}
