import { messageOf, StackError, type StackErrorCode, systemCodeOf } from '../../errors.ts'
import { registryName } from './reference.ts'

/** What an engine's refusal means, in words a user can act on. The first that matches counts. */
const refusals: readonly {
  readonly status?: number
  readonly text: RegExp
  readonly code: StackErrorCode
  readonly next?: string
}[] = [
  { status: 409, text: /name .* is already in use/i, code: 'NAME_IN_USE' },
  { text: /has active endpoints|volume is in use|image is (being used|referenced)/i, code: 'RESOURCE_IN_USE' },
  { text: /port is already allocated|address already in use|ports are not available/i, code: 'PORT_BUSY' },
  { text: /logging driver does not support reading/i, code: 'LOGS_UNREADABLE' },
  {
    text: /bind source path does not exist/i,
    code: 'START_FAILED',
    next: 'Create the directory, or correct the source of the mount in `volumes`.',
  },
  {
    text: /mounts denied|not shared from the host/i,
    code: 'START_FAILED',
    next: 'Share the directory with Docker Desktop (Settings, Resources, File sharing).',
  },
  {
    text: /exec format error/i,
    code: 'START_FAILED',
    next: 'Choose an image for this kind of processor, or set `platform:`.',
  },
  {
    text: /privileged port|cannot assign requested address/i,
    code: 'START_FAILED',
    next: 'Publish a port of 1024 or more, on an address that the machine of the engine has: `127.0.0.1:8080:80`.',
  },
  {
    text: /network .* not found|could not find network/i,
    code: 'START_FAILED',
    next: 'Somebody removed it meanwhile: run `up` again.',
  },
  {
    status: 404,
    text: /no such container/i,
    code: 'START_FAILED',
    next: 'Somebody removed it meanwhile: run `up` again.',
  },
  {
    text: /executable file not found|no such file or directory: unknown|exec: .*(not found|permission denied)/i,
    code: 'START_FAILED',
    next: 'Correct `command` or `entrypoint`: the image has no such program.',
  },
  {
    status: 404,
    text: /no such image/i,
    code: 'IMAGE_PULL_FAILED',
    next: 'Pull the image, or take `pull_policy: never` out of the service.',
  },
  { text: /invalid signal/i, code: 'SIGNAL_UNKNOWN' },
  {
    text: /client version .* is too (old|new)/i,
    code: 'DOCKER_TOO_OLD',
    next: 'Set DOCKER_API_VERSION to a version that both know.',
  },
  {
    text: /fully subnetted|non-overlapping IPv4 address pool/i,
    code: 'START_FAILED',
    next: 'All address ranges for networks are taken: `docker network prune` frees those nobody uses.',
  },
  {
    text: /no space left on device/i,
    code: 'START_FAILED',
    next: 'The disk of the Docker engine is full: `docker system prune` frees space.',
  },
]

/** What keeps an image from being fetched; `login` is how its registry is logged in to. */
const pullRefusals: readonly {
  readonly text: RegExp
  readonly message: string
  readonly next: (login: string) => string
}[] = [
  {
    text: /toomanyrequests|rate limit|429 Too Many/i,
    message: 'the registry allows no more pulls for now',
    next: (login) => `Log in with \`${login}\`, which allows more of them, or wait until the limit is lifted.`,
  },
  {
    text: /invalid reference format|repository name must be/i,
    message: 'this is no name of an image',
    next: () => 'Write it as [registry/]name[:tag], in small letters.',
  },
  {
    text: /pull access denied|repository does not exist|manifest unknown|manifest for .* not found|not found: manifest|name unknown/i,
    message: 'there is no such image, or it is private',
    next: (login) => `Check name and tag; for a private image \`${login}\` first.`,
  },
  {
    text: /no basic auth credentials|unauthorized|authentication required|denied|forbidden/i,
    message: 'the registry wants a login',
    next: (login) => `Run \`${login}\`, then this again.`,
  },
  {
    text: /no matching manifest|does not match the specified platform/i,
    message: 'the image does not exist for this kind of processor',
    next: () => 'Set `platform:` in the service to one that it has, or choose another image.',
  },
  {
    text: /x509|certificate|HTTP response to HTTPS client/i,
    message: 'the engine does not trust the registry',
    next: () => 'Give the Docker engine its certificate (/etc/docker/certs.d), or name it in `insecure-registries`.',
  },
  {
    text: /unexpected HTTP status: 5|50\d (Internal|Bad|Service|Gateway)/i,
    message: 'the registry has a fault of its own',
    next: () => 'Wait a little and try again; the status page of the registry may tell more.',
  },
  {
    text: /no such host|dial tcp|network is unreachable|connection refused|i\/o timeout|deadline exceeded|TLS handshake|Client\.Timeout/i,
    message: 'the registry cannot be reached',
    next: () =>
      'Check the network and the proxy of the Docker engine, or use --engine embedded, which needs no images.',
  },
  {
    text: /no space left on device/i,
    message: 'the disk of the Docker engine is full',
    next: () => '`docker system df` shows what is on it, `docker system prune` frees space.',
  },
]

/** The error of one call to the engine, wrapped once; `doing` names the attempt: `create shop-redis-1`. */
export function refused(doing: string, thrown: unknown): Error {
  if (thrown instanceof StackError || isAbort(thrown)) return thrown as Error
  const text = reasonOf(thrown)
  if (isUnreachable(thrown)) {
    return new StackError('DOCKER_UNREACHABLE', `the Docker engine no longer answers: ${text}`, { cause: thrown })
  }
  const status = statusOf(thrown)
  const known = refusals.find((refusal) => (refusal.status ?? status) === status && refusal.text.test(text))
  const options = known?.next === undefined ? { cause: thrown } : { cause: thrown, next: known.next }
  return new StackError(known?.code ?? 'DOCKER_REFUSED', `cannot ${doing}: ${text}`, options)
}

/** The same for a pull, whose refusals come from the registry. */
export function pullRefused(image: string, thrown: unknown): Error {
  if (thrown instanceof StackError || isAbort(thrown)) return thrown as Error
  if (isUnreachable(thrown)) return refused(`pull ${image}`, thrown)
  const text = reasonOf(thrown)
  const known = pullRefusals.find((refusal) => refusal.text.test(text))
  const message = `cannot pull ${image}: ${known ? `${known.message} (${text})` : text}`
  const next = known?.next(['docker login', registryName(image)].filter(Boolean).join(' '))
  return new StackError('IMAGE_PULL_FAILED', message, { cause: thrown, ...(next && { next }) })
}

/** The status of the engine's answer, if it gave one. */
export function statusOf(thrown: unknown): number | undefined {
  const status = (thrown as { statusCode?: unknown } | undefined)?.statusCode
  return typeof status === 'number' ? status : undefined
}

/** The engine's own sentence, without the library's `(HTTP code 500) server error - `. */
function reasonOf(thrown: unknown): string {
  return messageOf(thrown)
    .replace(/^\(HTTP code \d+\) .*? - /s, '')
    .trim()
}

function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'AbortError'
}

function isUnreachable(thrown: unknown): boolean {
  return ['ECONNREFUSED', 'ENOENT', 'EACCES', 'ECONNRESET', 'EPIPE'].includes(systemCodeOf(thrown) ?? '')
}
