/**
 * A routing netlink socket: the socket calls by libc, the messages' headers by `netlink`, which only this file imports.
 *
 * That package's own socket ends the whole process (`terminate called after throwing an instance of 'Napi::Error'`) as soon
 * as the kernel says ENOBUFS, which it does when more answers wait than the socket's buffer holds: about 270 of them, or 70 of
 * those that tell of a link. Here each request takes its answer before the next one is sent, so that no more than one ever waits.
 */
import { closeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { getSystemErrorName } from 'node:util'
import { errnoOf } from '../../diagnostic.ts'
import { callInPool, library, systemError } from '../sys/foreign.ts'

type Structs = typeof import('netlink/dist/structs.js')

const call = library('libc.so.6')

/** Source: bits/socket.h, netlink(7). */
const AF_NETLINK = 16
const SOCK_RAW = 3
const SOCK_CLOEXEC = 0o2000000
const NETLINK_ROUTE = 0
const SOL_SOCKET = 1
const SO_RCVTIMEO = 20

/** Source: linux/netlink.h. */
const NLMSG_ERROR = 2
const NLM_F = { REQUEST: 1, ACK: 4, CREATE: 0x400 } as const

/** The kernel answers before send(2) returns. Should it ever not, a command says so, in seconds, and hangs not. */
const ANSWER_LIMIT_S = 60
/** What tells of one link takes 1 to 3 KiB; the kernel makes no message longer than this. Source: linux/netlink.h, NLMSG_GOODSIZE. */
const ANSWER_BYTES = 32_768
/** Times a request is made whose answer was lost. */
const ATTEMPTS = 3

export interface RouteSocket extends Disposable {
  /** Makes one request and returns its answer; fails with a system error (`code` is `EEXIST`, `ENODEV`, ...). */
  request(type: number, payload: Uint8Array, flags?: number): readonly Uint8Array[]
  /** The same for what takes the kernel its time; nothing else may be requested meanwhile. */
  requestInPool(type: number, payload: Uint8Array): Promise<readonly Uint8Array[]>
}

let structs: Structs | undefined

/** Opens the socket in the calling thread's network namespace, where it stays. */
export function openRouteSocket(): RouteSocket {
  structs ??= createRequire(import.meta.url)('netlink/dist/structs.js') as Structs
  const fd = call('int socket(int domain, int type, int protocol)')(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)
  if (fd < 0) throw systemError('socket', 'netlink')
  const limit = Buffer.alloc(16)
  limit.writeBigInt64LE(BigInt(ANSWER_LIMIT_S))
  call('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')(
    fd,
    SOL_SOCKET,
    SO_RCVTIMEO,
    limit,
    limit.length,
  )
  let sequence = 0
  return {
    request(type, payload, flags = 0) {
      for (let attempt = 1; ; attempt++) {
        sequence++
        try {
          send(fd, Buffer.concat(structs!.formatMessage(header(type, payload, flags, sequence))))
          return receive(fd, sequence)
        } catch (error) {
          // Done before, its answer was lost.
          if (attempt > 1 && errnoOf(error) === 'EEXIST' && (flags & NLM_F.CREATE) !== 0) return []
          // No memory for the answer: whether it was done, the next answer says.
          if (errnoOf(error) !== 'ENOBUFS' || attempt === ATTEMPTS) throw error
        }
      }
    },
    async requestInPool(type, payload) {
      sequence++
      const message = Buffer.concat(structs!.formatMessage(header(type, payload, 0, sequence)))
      const length = await callInPool(sendFunction(), fd, message, message.length, 0)
      // Why it failed only the thread knows: a second attempt says so.
      if (length < 0) send(fd, message)
      return receive(fd, sequence)
    },
    [Symbol.dispose]: () => closeSync(fd),
  }
}

function header(type: number, data: Uint8Array, flags: number, seq: number) {
  return { type, data, flags: flags | NLM_F.REQUEST | NLM_F.ACK, seq, port: 0 }
}

const sendFunction = () => call('long send(int fd, const void *message, size_t length, int flags)')

function send(fd: number, message: Buffer): void {
  const f = sendFunction()
  while (f(fd, message, message.length, 0) < 0) {
    const error = systemError('send', 'netlink')
    if (error.code !== 'EINTR') throw error
  }
}

/** What came for a request: the messages before its acknowledgement, or that it was refused. */
function receive(fd: number, sequence: number): readonly Uint8Array[] {
  const f = call('long recv(int fd, void *buffer, size_t length, int flags)')
  const buffer = Buffer.allocUnsafe(ANSWER_BYTES)
  const answers: Uint8Array[] = []
  for (;;) {
    const length = f(fd, buffer, buffer.length, 0)
    if (length < 0) {
      const error = systemError('recv', 'netlink')
      if (error.code === 'EINTR') continue
      if (error.code !== 'EAGAIN') throw error
      throw new Error(`the kernel gave no answer within ${ANSWER_LIMIT_S} s`, { cause: error })
    }
    for (const { type, seq, flags, data } of structs!.parseMessages(Buffer.from(buffer.subarray(0, length)))) {
      // Of a request before, whose own answer came too late.
      if (seq !== sequence) continue
      if (type !== NLMSG_ERROR) answers.push(data)
      else {
        const { errno } = structs!.parseError(data, flags)
        if (errno === 0) return answers
        throw refusal(errno)
      }
    }
  }
}

function refusal(errno: number): Error {
  const code = getSystemErrorName(errno) ?? `errno ${-errno}`
  return Object.assign(new Error(code), { code, errno })
}
