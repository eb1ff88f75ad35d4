/**
 * Forms of names, with the API server's messages. Source: k8s.io/apimachinery/pkg/util/validation/validation.go and
 * k8s.io/apimachinery/pkg/api/validate/content. Each function returns what is wrong, nothing for a good value.
 */

export type NameCheck = (value: string) => readonly string[]

function regexError(message: string, pattern: string, ...examples: readonly string[]): string {
  const list = examples.map(example => `'${example}', `).join(' or ')
  return `${message} (${list === '' ? '' : `e.g. ${list}`}regex used for validation is '${pattern}')`
}

function maxLength(bytes: number): string {
  return `must be no more than ${bytes} bytes`
}

/** The API server counts bytes; what is too long here is ASCII in all but hostile input. */
function isLonger(value: string, bytes: number): boolean {
  return value.length > bytes || (value.length * 3 > bytes && new TextEncoder().encode(value).length > bytes)
}

export function inRange(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`
}

export const notNegative = 'must be greater than or equal to 0'

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const labelRegex = new RegExp(`^${label}$`)
const subdomain = `${label}(\\.${label})*`
const subdomainRegex = new RegExp(`^${subdomain}$`)
const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?'
const label1035Regex = new RegExp(`^${label1035}$`)
const underscoreLabel = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const underscoreSubdomain = `${underscoreLabel}(\\.${underscoreLabel})*`
const underscoreSubdomainRegex = new RegExp(`^${underscoreSubdomain}$`)
const wildcard = `\\*\\.${subdomain}`
const wildcardRegex = new RegExp(`^${wildcard}$`)
const qualified = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const qualifiedRegex = new RegExp(`^${qualified}$`)
const labelValue = `(${qualified})?`
const labelValueRegex = new RegExp(`^${labelValue}$`)

const labelMessage =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
const subdomainMessage =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
const underscoreMessage =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character"
const label1035Message =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character"
const wildcardMessage =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
const qualifiedMessage =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
const labelValueMessage =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"

/** A regular expression with nested repetition is not tried on more than a name can have. */
function matches(regex: RegExp, value: string): boolean {
  return value.length <= 1024 && regex.test(value)
}

export const checkDnsLabel: NameCheck = value => {
  const found = isLonger(value, 63) ? [maxLength(63)] : []
  if (matches(labelRegex, value)) return found
  if (matches(subdomainRegex, value)) return [...found, 'must not contain dots']
  return [...found, regexError(labelMessage, label, 'my-name', '123-abc')]
}

export const checkDnsSubdomain: NameCheck = value => {
  const found = isLonger(value, 253) ? [maxLength(253)] : []
  if (matches(subdomainRegex, value)) return found
  return [...found, regexError(subdomainMessage, subdomain, 'example.com')]
}

export const checkDnsSubdomainWithUnderscore: NameCheck = value => {
  const found = isLonger(value, 253) ? [maxLength(253)] : []
  if (matches(underscoreSubdomainRegex, value)) return found
  return [...found, regexError(underscoreMessage, underscoreSubdomain, 'example.com')]
}

export const checkWildcardSubdomain: NameCheck = value => {
  const found = isLonger(value, 253) ? [maxLength(253)] : []
  return matches(wildcardRegex, value) ? found : [...found, regexError(wildcardMessage, wildcard, '*.example.com')]
}

export const checkDns1035Label: NameCheck = value => {
  const found = isLonger(value, 63) ? [maxLength(63)] : []
  return matches(label1035Regex, value)
    ? found
    : [...found, regexError(label1035Message, label1035, 'my-name', 'abc-123')]
}

/** A label's or annotation's key: `name` or `example.com/name`. */
export const checkQualifiedName: NameCheck = value => {
  const example = regexError(qualifiedMessage, qualified, 'MyName', 'my.name', '123-abc')
  const parts = value.split('/')
  if (parts.length > 2)
    return [`a qualified name ${example} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  const name = parts.at(-1) ?? ''
  const found: string[] = []
  if (parts.length === 2) {
    const prefix = parts[0] ?? ''
    if (prefix === '') found.push('prefix part must be non-empty')
    else found.push(...checkDnsSubdomain(prefix).map(message => `prefix part ${message}`))
  }
  if (name === '') found.push('name part must be non-empty')
  else if (isLonger(name, 63)) found.push(`name part ${maxLength(63)}`)
  if (!matches(qualifiedRegex, name)) found.push(`name part ${example}`)
  return found
}

export const checkLabelValue: NameCheck = value => {
  const found = isLonger(value, 63) ? [maxLength(63)] : []
  if (matches(labelValueRegex, value)) return found
  return [...found, regexError(labelValueMessage, labelValue, 'MyValue', 'my_value', '12345')]
}

export const checkPortName: NameCheck = value => {
  const found: string[] = []
  if (isLonger(value, 15)) found.push(maxLength(15))
  if (!/^[-a-z0-9]+$/.test(value)) found.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(value)) found.push('must contain at least one letter (a-z)')
  if (value.includes('--')) found.push('must not contain consecutive hyphens')
  if (value.startsWith('-') || value.endsWith('-')) found.push('must not begin or end with a hyphen')
  return found
}

/** Any printable ASCII but `=`, as since Kubernetes 1.32. */
export const checkEnvName: NameCheck = value => {
  if (value === '') return ['environment variable name must be non-empty']
  if (/^[\x20-\x3c\x3e-\x7e]+$/.test(value)) return []
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
}

/** A key of a ConfigMap or Secret: it becomes a file's name. */
export const checkConfigKey: NameCheck = value => {
  const found: string[] = []
  if (isLonger(value, 253)) found.push(maxLength(253))
  if (!/^[-._a-zA-Z0-9]+$/.test(value))
    found.push(
      regexError(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        '[-._a-zA-Z0-9]+',
        'key.name',
        'KEY_NAME',
        'key-name',
      ),
    )
  if (value === '.' || value === '..') found.push(`must not be '${value}'`)
  else if (value.startsWith('..')) found.push("must not start with '..'")
  return found
}

export const checkHttpHeaderName: NameCheck = value =>
  /^[-A-Za-z0-9]+$/.test(value)
    ? []
    : [
        regexError(
          "a valid HTTP header must consist of alphanumeric characters or '-'",
          '[-A-Za-z0-9]+',
          'X-Header-Name',
        ),
      ]

export const checkPercent: NameCheck = value =>
  /^[0-9]+%$/.test(value)
    ? []
    : [regexError("a valid percent string must be a numeric string followed by an ending '%'", '[0-9]+%', '1%', '93%')]

export const checkIp: NameCheck = value =>
  isIpv4(value) || isIpv6(value) ? [] : ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']

export function isIpv4(value: string): boolean {
  return /^((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\.(?!$)|$)){4}$/.test(value)
}

export function isIpv6(value: string): boolean {
  return /^[0-9A-Fa-f:.]{2,45}$/.test(value) && value.includes(':') && URL.canParse(`http://[${value}]/`)
}

export const checkCidr: NameCheck = value => {
  const [address = '', bits = '', ...rest] = value.split('/')
  const limit = isIpv4(address) ? 32 : isIpv6(address) ? 128 : -1
  const good = rest.length === 0 && /^[0-9]{1,3}$/.test(bits) && Number(bits) <= limit
  return good ? [] : ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']
}
