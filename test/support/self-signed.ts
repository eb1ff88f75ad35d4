/** A certificate that nobody knows. */
import { execFileSync } from 'node:child_process'

/** For the server of a test. Made by openssl. */
export function selfSigned(): { readonly key: string; readonly cert: string } {
  const pem = execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', '/CN=test.invalid', '-keyout', '-', '-out', '-'],
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const part = (name: string) => new RegExp(`-----BEGIN ${name}-----[^]*?-----END ${name}-----\n`).exec(pem)![0]
  return { key: part('PRIVATE KEY'), cert: part('CERTIFICATE') }
}
