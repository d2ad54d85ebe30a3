import { messageOf, StackError, type StackErrorCode, systemCodeOf } from '../../errors.ts'
import type { Endpoint } from './endpoint.ts'

interface Reason {
  /** Codes of system calls and of TLS, or words of the message. */
  readonly on: RegExp
  readonly code?: StackErrorCode
  readonly says: string
  readonly next?: string
}

const startDocker = 'Start Docker (Docker Desktop, `colima start`, `systemctl start docker`), or use --engine embedded.'
const ownCertificates = 'Name the directory of ca.pem, cert.pem and key.pem with DOCKER_CERT_PATH'

/** Why a local engine does not answer. */
const ofSockets: readonly Reason[] = [
  { on: /^ENOENT$/, says: 'there is no such socket', next: startDocker },
  {
    on: /^(ECONNREFUSED|ECONNRESET|ENOTSOCK)$/,
    says: 'nobody listens there: the engine is not running',
    next: startDocker,
  },
  {
    on: /^(EACCES|EPERM)$/,
    code: 'DOCKER_PERMISSION_DENIED',
    says: 'your user may not use it',
    next: 'Add your user to the group `docker`, which is as good as root, and log in again (`sudo usermod -aG docker $USER`); or use rootless Docker, or --engine embedded.',
  },
]

/** Why a distant one does not. */
const ofHosts: readonly Reason[] = [
  {
    on: /^(ENOTFOUND|EAI_AGAIN)$/,
    says: 'no such host is known',
    next: 'Correct the host of the endpoint, or unset DOCKER_HOST.',
  },
  {
    on: /^ECONNREFUSED$/,
    says: 'nobody listens on that port',
    next: 'Start the engine there with a TCP address, correct the port (2376 with TLS, 2375 without), or unset DOCKER_HOST.',
  },
  {
    on: /^(EHOSTUNREACH|ENETUNREACH)$/,
    says: 'there is no way to that host',
    next: 'Check the network, or unset DOCKER_HOST.',
  },
  {
    on: /wrong version number|packet length too long|ERR_SSL_WRONG_VERSION_NUMBER/i,
    says: 'it does not speak TLS',
    next: 'Unset DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or use the port on which it does (2376).',
  },
  {
    on: /it wants TLS|^HPE_/,
    says: 'it wants TLS',
    next: `Set DOCKER_TLS_VERIFY=1. ${ownCertificates}.`,
  },
  {
    on: /SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|CERT_UNTRUSTED/,
    says: 'its certificate is not signed by an authority that is trusted here',
    next: `${ownCertificates}; its ca.pem must be the one that signed the engine's certificate.`,
  },
  { on: /CERT_HAS_EXPIRED/, says: 'its certificate has expired', next: 'Give the engine a new certificate.' },
  {
    on: /ALTNAME_INVALID/,
    says: 'its certificate is for another host',
    next: 'Use the name that the certificate has, or make one for this name.',
  },
  {
    on: /certificate required|bad certificate|handshake failure|unknown ca/i,
    says: 'it does not accept the certificate that it is shown',
    next: `${ownCertificates} that the engine trusts.`,
  },
]

const ofAll: readonly Reason[] = [
  {
    on: /^(AbortError|TimeoutError|ETIMEDOUT)$/,
    says: 'no answer in time',
    next: `It may hang: restart it. ${startDocker}`,
  },
]

/** What keeps an engine from answering: where it was looked for, who said so, why, and the way out. */
export function unreachable(endpoint: Endpoint, cause: Error): StackError {
  const all = [...('socketPath' in endpoint.address ? ofSockets : ofHosts), ...ofAll]
  const words = [systemCodeOf(cause), cause.name, cause.message].filter((word) => word !== undefined)
  const reason = all.find(({ on }) => words.some((word) => on.test(word)))
  const message = `Docker not reachable at ${placeOf(endpoint)}: ${reason?.says ?? messageOf(cause)}`
  const next = reason?.next ?? startDocker
  return new StackError(reason?.code ?? 'DOCKER_UNREACHABLE', message, { cause, next })
}

/** `unix:///colima.sock (context colima, named by DOCKER_CONTEXT)` */
export function placeOf({ url, source, namedBy }: Endpoint): string {
  if (source === 'default') return url
  return `${url} (${namedBy ? `${source}, named by ${namedBy}` : `from ${source}`})`
}
